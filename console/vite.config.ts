import { defineConfig } from "vite";
import { viteSingleFile } from "vite-plugin-singlefile";

// One HTML file with the script and the style inline. functions/open_console sends it with the hashes of both.
export default defineConfig({
  plugins: [viteSingleFile({ removeViteModuleLoader: true })],
  build: { target: ["chrome115", "firefox120", "safari17"], outDir: "dist", emptyOutDir: true, modulePreload: false },
});
