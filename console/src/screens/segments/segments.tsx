/** The segments: search, sizes, next steps. */
import { keepPreviousData, useInfiniteQuery } from "@tanstack/preact-query";
import { Link } from "wouter-preact";

import { type Schemas, answer, api } from "../../api/client";
import { draft } from "../../drafts";
import { number, percent, utc } from "../../format";
import { Empty, Loaded, More } from "../../parts/loaded";
import { Screen, Table } from "../../parts/screen";
import { may } from "../../session";
import { NextStep, SizeOfMonth } from "./glance";

type Segment = Schemas["ListedSegment"];

const PAGE = 25;
const COLUMNS = ["Segment", "Owner", "Percent", "Members", "30 days", "Next step"];

export function SegmentsScreen() {
  const prefix = draft("segments.prefix", "");
  const query = useInfiniteQuery({
    queryKey: ["segments", prefix.value],
    queryFn: ({ pageParam }) =>
      answer(api.GET("/segment", { params: { query: { limit: PAGE, prefix: prefix.value.trim(), cursor: pageParam } } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });
  return (
    <Screen
      title="Segments"
      actions={
        may("editor") && (
          <Link href="/segments/new" role="button">
            New segment
          </Link>
        )
      }
    >
      <search>
        <input
          type="search"
          aria-label="Search by the beginning of the slug"
          placeholder="Beginning of the slug, for example AVITO_"
          value={prefix.value}
          spellcheck={false}
          onInput={(event) => {
            prefix.value = event.currentTarget.value;
          }}
        />
      </search>
      <Loaded query={query}>
        {({ pages }) => {
          const segments = pages.flatMap((page) => page.segments);
          return segments.length ? <List segments={segments} /> : <NoSegments prefix={prefix.value} />;
        }}
      </Loaded>
      <More query={query} />
    </Screen>
  );
}

function List({ segments }: { segments: Segment[] }) {
  return (
    <Table label="Segments" columns={COLUMNS}>
      {segments.map((segment) => (
        <tr key={segment.slug}>
          <th scope="row">
            <Link href={`/segments/${encodeURIComponent(segment.slug)}`}>{segment.slug}</Link>
            {segment.description && <small class="clipped">{segment.description}</small>}
          </th>
          <td>{segment.owner ?? "–"}</td>
          <td class="number">{segment.user_percent === null ? "–" : percent(segment.user_percent)}</td>
          <td class="number">
            {segment.members === null || segment.members_at === null ? (
              <span title="The first count is at midnight UTC">–</span>
            ) : (
              <span title={`At ${utc(segment.members_at)}`}>{number(segment.members)}</span>
            )}
          </td>
          <td>
            <SizeOfMonth slug={segment.slug} />
          </td>
          <td>
            <NextStep slug={segment.slug} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

function NoSegments({ prefix }: { prefix: string }) {
  if (prefix) return <Empty title={`No slug begins with “${prefix}”.`}>Upper and lower case differ. Shorten the text to see more.</Empty>;
  return (
    <Empty title="There is no segment yet.">
      {may("editor") ? <Link href="/segments/new">Create the first segment</Link> : "An editor can create one."}
    </Empty>
  );
}
