import { ago, local, now, remaining, utc } from "../format";

/** An instant in UTC, and in the zone of this machine. */
export function When({ at, relative = false }: { at: string; relative?: boolean }) {
  const here = local(at);
  return (
    <time dateTime={at} class="when">
      <span>{utc(at)}</span>
      {here && <small>{here}</small>}
      {relative && <small>{ago(at)}</small>}
    </time>
  );
}

/** What is left of a lifetime, and its end. */
export function Lifetime({ until }: { until: string | null }) {
  const isEnding = until !== null && Date.parse(until) - now.value < 3_600_000;
  return (
    <span class="when">
      <span class={isEnding ? "soon" : undefined}>{remaining(until)}</span>
      {until && <small>until {utc(until)}</small>}
    </span>
  );
}
