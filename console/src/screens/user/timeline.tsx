/** Bars of memberships, one row a segment, with marks at changes. */
import type { Schemas } from "../../api/client";
import { day, utc } from "../../format";
import { type Row, rowsOf } from "./spans";

type Operation = Schemas["Operation"];
type UserSegment = Schemas["UserSegment"];

interface Props {
  before: UserSegment[];
  operations: Operation[];
  from: number;
  to: number;
  /** Whether operations after the last given one exist. The bars then end there. */
  isCut: boolean;
}

const WIDTH = 1000;
const ROW = 30;
const BAR = 16;
const TOP = 0;
const TICKS = 4;

export function Timeline({ before, operations, from, to, isCut }: Props) {
  const end = isCut ? Date.parse(operations[operations.length - 1].executed_at) : to;
  const rows = rowsOf(before, operations, from, end);
  const height = TOP + rows.length * ROW;
  const x = (at: number) => ((at - from) / (to - from)) * WIDTH;
  const label = `Memberships in ${rows.length} segments, from ${day(new Date(from).toISOString())} to ${day(new Date(to).toISOString())}`;
  return (
    <div class="timeline">
      <ul aria-hidden="true">
        {rows.map(({ slug }) => (
          <li key={slug} title={slug}>
            {slug}
          </li>
        ))}
      </ul>
      <svg viewBox={`0 0 ${WIDTH} ${height}`} height={height} preserveAspectRatio="none" role="img" aria-label={label}>
        {ticks(from, to).map((at) => (
          <line key={at} class="tick" x1={x(at)} x2={x(at)} y1={TOP} y2={height} />
        ))}
        {rows.map((row, index) => (
          <Bars key={row.slug} row={row} x={x} y={TOP + index * ROW} />
        ))}
      </svg>
      <div class="ticks" aria-hidden="true">
        {ticks(from, to).map((at) => (
          <span key={at}>{day(new Date(at).toISOString())}</span>
        ))}
      </div>
    </div>
  );
}

function Bars({ row, x, y }: { row: Row; x: (at: number) => number; y: number }) {
  return (
    <g>
      {row.spans.map(({ begin, end }) => (
        <rect key={begin} class="bar" x={x(begin)} y={y + (ROW - BAR) / 2} width={Math.max(x(end) - x(begin), 2)} height={BAR}>
          <title>
            {row.slug}: {utc(new Date(begin).toISOString())} to {utc(new Date(end).toISOString())}
          </title>
        </rect>
      ))}
      {row.marks.map(({ at, text }, index) => (
        <rect key={index} class="mark" x={x(at) - 1} y={y + 2} width={3} height={ROW - 4}>
          <title>{text}</title>
        </rect>
      ))}
    </g>
  );
}

function ticks(from: number, to: number): number[] {
  return Array.from({ length: TICKS }, (_, index) => from + ((to - from) * index) / TICKS);
}
