/** The memberships of a time, folded from its beginning and its operations. */
import type { Schemas } from "../../api/client";
import { utc } from "../../format";

type Operation = Schemas["Operation"];
type UserSegment = Schemas["UserSegment"];

export interface Row {
  slug: string;
  spans: { begin: number; end: number }[];
  marks: { at: number; text: string }[];
}

export function rowsOf(before: UserSegment[], operations: Operation[], from: number, to: number): Row[] {
  const rows = new Map<string, Row>();
  const open = new Map(before.map(({ slug }) => [slug, from]));
  const row = (slug: string) => {
    const known = rows.get(slug) ?? { slug, spans: [], marks: [] };
    rows.set(slug, known);
    return known;
  };
  for (const { slug } of before) row(slug);
  for (const each of operations) {
    const at = Date.parse(each.executed_at);
    const begin = open.get(each.slug);
    row(each.slug).marks.push({ at, text: `${each.action} on ${utc(each.executed_at)} by ${each.actor}` });
    if (each.operation === "I") open.set(each.slug, at);
    if (each.operation === "D" && begin !== undefined) {
      row(each.slug).spans.push({ begin, end: at });
      open.delete(each.slug);
    }
  }
  for (const [slug, begin] of open) row(slug).spans.push({ begin, end: to });
  return [...rows.values()].sort((one, other) => (one.slug < other.slug ? -1 : 1));
}
