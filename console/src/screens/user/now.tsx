/** The segments of a user, now or at an instant, and their change. */
import { useQuery } from "@tanstack/preact-query";
import { useState } from "preact/hooks";
import { Link } from "wouter-preact";

import { type Schemas, answer, api } from "../../api/client";
import { userId } from "../../api/exact";
import { fromField, utc } from "../../format";
import { Moment } from "../../parts/form";
import { Empty, Loaded } from "../../parts/loaded";
import { Card, Table } from "../../parts/screen";
import { Lifetime, When } from "../../parts/when";
import { may } from "../../session";
import { Why } from "../why";
import { AddForm, ChangeDialog } from "./change";

type UserSegment = Schemas["UserSegment"];

export function Now({ id }: { id: string }) {
  const [moment, setMoment] = useState("");
  const at = moment ? fromField(moment) : null;
  const query = useQuery({
    queryKey: ["user", id, at],
    queryFn: () =>
      answer(api.GET("/segment/user/{user_id}", { params: { path: { user_id: userId(id) }, query: at ? { at } : {} } })),
  });
  return (
    <>
      <div class="narrow">
        <Moment label="As of, or empty for now" name="at" value={moment} onChange={setMoment} error={query.error} max={new Date()} />
      </div>
      <Loaded query={query}>
        {({ segments }) => (segments.length ? <List id={id} at={at} segments={segments} /> : <NoSegments at={at} />)}
      </Loaded>
      <div class="cards">
        <Card title="Why, or why not?">
          <Why user={id} />
        </Card>
        {may("editor") && (
          <Card title="Add to segments">
            <AddForm id={id} />
          </Card>
        )}
      </div>
    </>
  );
}

function NoSegments({ at }: { at: string | null }) {
  if (at) return <Empty title={`The user was in no segment on ${utc(at)}.`}>Choose another time, or ask why below.</Empty>;
  return <Empty title="The user is in no segment.">Ask why below, or look at the history.</Empty>;
}

function List({ id, at, segments }: { id: string; at: string | null; segments: UserSegment[] }) {
  const [changed, setChanged] = useState<UserSegment | null>(null);
  return (
    <>
      <Table label={at ? `Segments on ${utc(at)}` : "Segments now"} columns={["Segment", "Entered", at ? "Lifetime then" : "Lifetime", ""]}>
        {segments.map((segment) => (
          <tr key={segment.slug}>
            <th scope="row">
              <Link href={`/segments/${encodeURIComponent(segment.slug)}`}>{segment.slug}</Link>
            </th>
            <td>{segment.added_at ? <When at={segment.added_at} /> : "before the history"}</td>
            <td>{at ? <End until={segment.expires_at} /> : <Lifetime until={segment.expires_at} />}</td>
            <td>
              {!at && may("editor") && (
                <button
                  type="button"
                  class="secondary outline small"
                  aria-label={`Change ${segment.slug}`}
                  onClick={() => setChanged(segment)}
                >
                  Change
                </button>
              )}
            </td>
          </tr>
        ))}
      </Table>
      {changed && <ChangeDialog id={id} membership={changed} onClose={() => setChanged(null)} />}
    </>
  );
}

function End({ until }: { until: string | null }) {
  return until ? <When at={until} /> : <>no end</>;
}
