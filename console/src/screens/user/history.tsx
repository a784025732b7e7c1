/** The history of a user: a timeline of the memberships, and the operations by page. */
import { useInfiniteQuery, useQuery } from "@tanstack/preact-query";
import { subDays } from "date-fns";
import { useMemo, useState } from "preact/hooks";
import { Link } from "wouter-preact";

import { type Schemas, answer, api } from "../../api/client";
import { userId } from "../../api/exact";
import { number } from "../../format";
import { Days } from "../../parts/days";
import { Empty, Loaded, More } from "../../parts/loaded";
import { Card, Table } from "../../parts/screen";
import { When } from "../../parts/when";
import { Timeline } from "./timeline";

type Operation = Schemas["Operation"];

const RANGES = { "7": "7 days", "30": "30 days", "90": "90 days", "365": "a year" };
const MOST_DRAWN = 1000;
const PAGE = 100;
const NAMES: Record<string, string> = { I: "entered", D: "left", U: "lifetime changed" };

/** Return a page of operations. The same address answers CSV to other clients, so its type has a text too. */
async function operationsOf(id: string, query: { from: string; to?: string; limit: number; cursor?: string }) {
  const path = { user_id: userId(id) };
  const page = await answer(api.GET("/user/{user_id}/history", { params: { path, query } }));
  return page as Schemas["OperationPage"];
}

export function History({ id }: { id: string }) {
  const [days, setDays] = useState("30");
  const [from, to] = useMemo(() => {
    const end = new Date();
    return [subDays(end, Number(days)).toISOString(), end.toISOString()];
  }, [days]);
  return (
    <>
      <Days choices={RANGES} value={days} onChange={setDays} />
      <Card title="Timeline" wide>
        <Drawn id={id} from={from} to={to} />
      </Card>
      <Operations id={id} from={from} />
    </>
  );
}

function useDrawn(id: string, from: string, to: string) {
  return useQuery({
    queryKey: ["timeline", id, from],
    queryFn: async () => {
      const path = { user_id: userId(id) };
      const [before, during] = await Promise.all([
        answer(api.GET("/segment/user/{user_id}", { params: { path, query: { at: from } } })),
        operationsOf(id, { from, to, limit: MOST_DRAWN }),
      ]);
      return { before: before.segments, operations: during.operations, isCut: during.next_cursor !== null };
    },
  });
}

function Drawn({ id, from, to }: { id: string; from: string; to: string }) {
  const query = useDrawn(id, from, to);
  return (
    <Loaded query={query}>
      {({ before, operations, isCut }) =>
        before.length || operations.length ? (
          <>
            <Timeline before={before} operations={operations} from={Date.parse(from)} to={Date.parse(to)} isCut={isCut} />
            {isCut && <p>Only the first {number(MOST_DRAWN)} operations of this time are drawn. Choose a shorter one to see all.</p>}
          </>
        ) : (
          <Empty title="The user was in no segment in this time.">Choose a longer time above.</Empty>
        )
      }
    </Loaded>
  );
}

function Operations({ id, from }: { id: string; from: string }) {
  const query = useInfiniteQuery({
    queryKey: ["operations", id, from],
    queryFn: ({ pageParam }) => operationsOf(id, { from, limit: PAGE, cursor: pageParam }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  return (
    <>
      <Loaded query={query}>
        {({ pages }) => {
          const operations = pages.flatMap((page) => page.operations);
          return operations.length > 0 && <List operations={operations} />;
        }}
      </Loaded>
      <More query={query} />
    </>
  );
}

function List({ operations }: { operations: Operation[] }) {
  return (
    <Table label="Operations, oldest first" columns={["When", "Segment", "Operation", "Reason", "By", "Comment"]}>
      {operations.map((each, index) => (
        <tr key={index}>
          <th scope="row">
            <When at={each.executed_at} />
          </th>
          <td>
            <Link href={`/segments/${encodeURIComponent(each.slug)}`}>{each.slug}</Link>
          </td>
          <td>{NAMES[each.operation] ?? each.action}</td>
          <td>{each.reason.replaceAll("_", " ")}</td>
          <td>{each.actor}</td>
          <td class="comment">{each.comment ?? "–"}</td>
        </tr>
      ))}
    </Table>
  );
}
