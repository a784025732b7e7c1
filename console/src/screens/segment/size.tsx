/** The chart of the members by day, with the changes of the log. */
import { useQuery } from "@tanstack/preact-query";
import { subDays } from "date-fns";
import { useMemo, useState } from "preact/hooks";

import { type Schemas, answer, api } from "../../api/client";
import { day, number, percent } from "../../format";
import { Chart, type Mark } from "../../parts/chart";
import { Days } from "../../parts/days";
import { Loaded } from "../../parts/loaded";
import { Table } from "../../parts/screen";

type Day = Schemas["SizeOfDay"];
type Change = Schemas["LoggedChange"];

const RANGES = { "30": "30 days", "90": "90 days", "365": "a year" };
const MOST_MARKS = 100;

export function SizeChart({ slug }: { slug: string }) {
  const [days, setDays] = useState("30");
  const from = subDays(new Date(), Number(days)).toISOString().slice(0, 10);
  const sizes = useQuery({
    queryKey: ["size", slug, from],
    queryFn: () => answer(api.GET("/segment/{slug}/size", { params: { path: { slug }, query: { from } } })),
    placeholderData: (before) => before,
  });
  const log = useQuery({
    queryKey: ["marks", slug],
    queryFn: () => answer(api.GET("/segment/{slug}/history", { params: { path: { slug }, query: { limit: MOST_MARKS } } })),
  });
  return (
    <>
      <Days choices={RANGES} value={days} onChange={setDays} />
      <Loaded query={sizes}>{({ days: found }) => <SizeOfDays slug={slug} days={found} changes={log.data?.changes} />}</Loaded>
    </>
  );
}

function SizeOfDays({ slug, days, changes }: { slug: string; days: Day[]; changes: Change[] | undefined }) {
  const times = useMemo(() => days.map(({ day: text }) => Date.parse(text) / 1000), [days]);
  const values = useMemo(() => days.map(({ members }) => members), [days]);
  const marks = useMemo(() => (changes ?? []).map(markOf).reverse(), [changes]);
  const last = days[days.length - 1];
  return (
    <>
      <Chart
        label={`Members of ${slug}, from ${number(days[0].members)} on ${day(days[0].day)} to ${number(last.members)} on ${day(last.day)}`}
        name="Members"
        times={times}
        values={values}
        marks={marks}
      />
      <details>
        <summary>The same as a table</summary>
        <Table label="Members by day" columns={["Day (UTC)", "Members", "Entered", "Left"]}>
          {[...days].reverse().map(({ day: text, members, added, removed }) => (
            <tr key={text}>
              <th scope="row">{day(text)}</th>
              <td class="number">{number(members)}</td>
              <td class="number">{number(added)}</td>
              <td class="number">{number(removed)}</td>
            </tr>
          ))}
        </Table>
      </details>
    </>
  );
}

/** A change as a line in the chart. Its day is where the chart has the members at the end of that day. */
function markOf(change: Change): Mark {
  const at = Date.parse(change.changed_at.slice(0, 10)) / 1000;
  const after = change.after ?? {};
  if ("user_percent" in after && after.user_percent !== null) return { at, text: percent(after.user_percent as number) };
  return { at, text: change.change };
}
