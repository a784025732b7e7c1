// Unpack the Chromium that an npm package carries, with the libraries that a bare machine lacks, below TMPDIR.
// The package does that of itself only where it takes the machine for Lambda.
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";

if (process.platform === "linux" && process.arch === "x64") {
  await mkdir(tmpdir(), { recursive: true });
  process.env.AWS_EXECUTION_ENV = "AWS_Lambda_nodejs22.x";
  const { default: chromium } = await import("@sparticuz/chromium");
  await chromium.executablePath();
}
