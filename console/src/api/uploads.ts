/** Files to and from the storage of the service, by signed links. No token goes there. */
import { Problem } from "./problem";

/** Upload a file, and report the share that is sent. fetch() reports none. */
export function upload(link: string, file: Blob, progress: (share: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const fail = () =>
      reject(new Problem(request.status, { detail: `The upload failed (${request.status || "no connection"}). Try again.` }));
    request.upload.onprogress = (event) => progress(event.loaded / Math.max(event.total, 1));
    request.onload = () => (request.status < 300 ? resolve() : fail());
    request.onerror = fail;
    request.open("PUT", link);
    request.send(file);
  });
}

/** The records of RFC 4180 at the beginning of a text. A line end between quotes does not end a record. */
const WHOLE_RECORDS = /(?:[^"\r]|"[^"]*"|\r(?!\n))*\r\n/gy;

export interface Verdict {
  line: number;
  userId: string;
  verdict: string;
  detail: string;
}

/** Read the lines with these verdicts from a file of verdicts, and stop when there are enough. */
export async function readVerdicts(link: string, wanted: string[], most: number): Promise<Verdict[]> {
  const response = await fetch(link);
  if (!response.ok || !response.body) throw new Problem(response.status, { detail: "The file of verdicts cannot be read." });
  const reader = response.body
    .pipeThrough(new DecompressionStream("gzip"))
    .pipeThrough(new TextDecoderStream())
    .getReader();
  const found: Verdict[] = [];
  let rest = "";
  while (found.length < most) {
    const { done, value } = await reader.read();
    rest += value ?? "";
    const records = rest.match(WHOLE_RECORDS) ?? [];
    rest = rest.slice(records.join("").length);
    for (const record of records) {
      const [line, userId, verdict, detail] = cells(record.trimEnd());
      if (wanted.includes(verdict)) found.push({ line: Number(line), userId, verdict, detail });
    }
    if (done) break;
  }
  await reader.cancel();
  return found.slice(0, most);
}

/** Split a record of RFC 4180 into its cells. */
function cells(record: string): string[] {
  const found = record.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g);
  return Array.from(found, ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain);
}
