import "./locale"; // first, because uPlot reads the locale when it is loaded

import "@picocss/pico/css/pico.min.css";
import "uplot/dist/uPlot.min.css";
import "./style.css";

import { QueryClientProvider } from "@tanstack/preact-query";
import { render } from "preact";

import { queries } from "./api/queries";
import { App } from "./app";

render(
  <QueryClientProvider client={queries}>
    <App />
  </QueryClientProvider>,
  document.getElementById("console") as HTMLElement,
);
