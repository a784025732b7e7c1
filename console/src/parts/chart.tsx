/** Charts over time, drawn by uPlot, with marks at instants. */
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

import { number } from "../format";

const DATE = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", day: "numeric", month: "short" });
const TIME = new Intl.DateTimeFormat("en-GB", {
  timeZone: "UTC",
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});

export interface Mark {
  at: number;
  text: string;
}

interface Props {
  /** What a screen reader says instead of the picture. */
  label: string;
  times: number[];
  values: (number | null)[];
  name: string;
  marks?: Mark[];
  stepped?: boolean;
  unit?: string;
  height?: number;
}

export function Chart(props: Props) {
  const holder = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = holder.current;
    if (!element) return;
    let chart = draw(element, props);
    const redraw = () => {
      chart.destroy();
      chart = draw(element, props);
    };
    const resize = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: props.height ?? 240 }));
    resize.observe(element);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", redraw);
    return () => {
      scheme.removeEventListener("change", redraw);
      resize.disconnect();
      chart.destroy();
    };
  }, [props.times, props.values, props.marks]);
  return <div ref={holder} class="chart" role="img" aria-label={props.label} />;
}

function draw(element: HTMLElement, props: Props): uPlot {
  const color = (name: string) => getComputedStyle(element).getPropertyValue(name).trim();
  const axis = { stroke: color("--muted"), grid: { stroke: color("--grid"), width: 1 }, ticks: { show: false } };
  const show = (value: number | null) => (value === null ? "–" : `${number(value)}${props.unit ?? ""}`);
  return new uPlot(
    {
      width: element.clientWidth,
      height: props.height ?? 240,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      cursor: { y: false },
      scales: { y: { range: (_, __, most) => [0, Math.max(most * 1.1, 1)] } },
      axes: [{ ...axis, values: datesOf, space: 90 }, { ...axis, size: 70, values: (_, ticks) => ticks.map((tick) => (tick % 1 ? "" : show(tick))) }],
      series: [
        { label: "Day (UTC)", value: (_, seconds) => (seconds ? DATE.format(seconds * 1000) : "–") },
        {
          label: props.name,
          stroke: color("--accent"),
          fill: color("--accent-fill"),
          width: 2,
          points: { show: props.times.length < 3 },
          value: (_, value) => show(value),
          ...(props.stepped && uPlot.paths.stepped ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}),
        },
      ],
      hooks: { ready: [(plot) => plot.setLegend({ idx: props.times.length - 1 })], draw: [(plot) => drawMarks(plot, props.marks ?? [], color("--mark"))] },
    },
    [props.times, props.values],
    element,
  );
}

/** The dates below an axis, or the times of day if they are close. */
function datesOf(_plot: uPlot, ticks: number[], _axis: number, _space: number, step: number): string[] {
  const format = step < 86_400 ? TIME : DATE;
  return ticks.map((tick) => format.format(tick * 1000));
}

function drawMarks(plot: uPlot, marks: Mark[], color: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = color;
  ctx.fillStyle = color;
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = "left";
  ctx.textBaseline = "alphabetic";
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  let free = -Infinity;
  for (const { at, text } of marks) {
    const x = plot.valToPos(at, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const width = ctx.measureText(text).width;
    const left = Math.min(x + 4, bbox.left + bbox.width - width);
    if (left > free) {
      ctx.fillText(text, left, bbox.top + 12 * devicePixelRatio);
      free = left + width + 8;
    }
  }
  ctx.restore();
}

/** The shape of a series, without axes. */
export function Sparkline({ values, label }: { values: number[]; label: string }) {
  const [width, height] = [120, 28];
  const most = Math.max(...values, 1);
  const x = (index: number) => (values.length > 1 ? (index * width) / (values.length - 1) : width);
  const points = values.map((value, index) => `${x(index).toFixed(1)},${(height - 2 - (value / most) * (height - 4)).toFixed(1)}`);
  return (
    <svg class="sparkline" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label} preserveAspectRatio="none">
      <polygon points={`0,${height} ${points.join(" ")} ${width},${height}`} />
      <polyline points={points.join(" ")} />
    </svg>
  );
}
