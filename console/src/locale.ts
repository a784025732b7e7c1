/** A locale for libraries that read it from the browser: with LANG=C, Chromium names one that Intl refuses. */
try {
  new Intl.NumberFormat(navigator.language);
} catch {
  Object.defineProperty(navigator, "language", { value: "en-US" });
}
