/** The change log of a segment, and the way back to what was before a change. */
import { useInfiniteQuery, useMutation } from "@tanstack/preact-query";
import { useState } from "preact/hooks";

import { type Schemas, answer, api } from "../../api/client";
import { number, percent } from "../../format";
import { Dialog } from "../../parts/dialog";
import { Comment, Form } from "../../parts/form";
import { Empty, Loaded, More } from "../../parts/loaded";
import { say } from "../../parts/notice";
import { Table } from "../../parts/screen";
import { When } from "../../parts/when";
import { may } from "../../session";
import { Effect } from "./effect";
import { movedBy } from "./percent";
import type { Segment } from "./segment";

type Change = Schemas["LoggedChange"];
type Members = Record<string, unknown>;

const PAGE = 50;
const NAMES: Record<string, string> = { slug: "slug", description: "description", owner: "owner", user_percent: "percent" };

export function Log({ segment }: { segment: Segment }) {
  const [undone, setUndone] = useState<Change | null>(null);
  const query = useInfiniteQuery({
    queryKey: ["log", segment.slug],
    queryFn: ({ pageParam }) =>
      answer(
        api.GET("/segment/{slug}/history", {
          params: { path: { slug: segment.slug }, query: { limit: PAGE, cursor: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  return (
    <>
      <Loaded query={query}>
        {({ pages }) => {
          const changes = pages.flatMap((page) => page.changes);
          if (!changes.length) return <Empty title="The log has no change." />;
          return <Changes changes={changes} onUndo={setUndone} />;
        }}
      </Loaded>
      <More query={query} />
      {undone && <Undo segment={segment} change={undone} onClose={() => setUndone(null)} />}
    </>
  );
}

function Changes({ changes, onUndo }: { changes: Change[]; onUndo: (change: Change) => void }) {
  return (
    <Table label="Changes, newest first" columns={["When", "Change", "By", "Comment", "Users", ""]}>
      {changes.map((change) => (
        <tr key={`${change.changed_at} ${change.change}`}>
          <th scope="row">
            <When at={change.changed_at} />
          </th>
          <td>
            <Difference change={change} />
          </td>
          <td>{change.actor ?? "unknown"}</td>
          <td class="comment">{change.comment ?? "–"}</td>
          <td class="number">{moved(change)}</td>
          <td>
            {change.change === "changed" && may("editor") && (
              <button type="button" class="secondary outline small" onClick={() => onUndo(change)}>
                Back to before this
              </button>
            )}
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Difference({ change }: { change: Change }) {
  const [before, after] = [change.before ?? {}, change.after ?? {}];
  const names = Object.keys(NAMES).filter((name) => name in before || name in after);
  if (change.change !== "changed") return <strong>{change.change}</strong>;
  return (
    <>
      {names.map((name) => (
        <div key={name}>
          {NAMES[name]}: <del>{shown(name, before)}</del> → <ins>{shown(name, after)}</ins>
        </div>
      ))}
    </>
  );
}

function shown(name: string, members: Members): string {
  const value = members[name];
  if (value === null || value === undefined) return "none";
  return name === "user_percent" ? percent(Number(value)) : String(value);
}

function moved(change: Change): string {
  const parts = [change.users_added ? `+${number(change.users_added)}` : "", change.users_deleted ? `−${number(change.users_deleted)}` : ""];
  return parts.filter(Boolean).join(" ") || "–";
}

function Undo({ segment, change, onClose }: { segment: Segment; change: Change; onClose: () => void }) {
  const [comment, setComment] = useState("");
  const before = (change.before ?? {}) as Members;
  const undo = useMutation({
    mutationFn: () =>
      answer(
        api.PATCH("/segment/{slug}", {
          params: { path: { slug: segment.slug } },
          body: { ...before, comment: comment || null },
        }),
      ),
    onSuccess: (changed) => {
      say("job_id" in changed ? "The percent is saved. A job moves the users." : movedBy(changed));
      onClose();
      if (changed.slug !== segment.slug) location.hash = `#/segments/${encodeURIComponent(changed.slug)}/log`;
    },
  });
  return (
    <Dialog title="Back to before this change" onClose={onClose}>
      <ul>
        {Object.keys(before).map((name) => (
          <li key={name}>
            {NAMES[name] ?? name}:{" "}
            {name === "user_percent" ? <Effect from={segment.user_percent} to={before[name] as number | null} /> : shown(name, before)}
          </li>
        ))}
      </ul>
      <Form label="Back to before this change" submit="Change it back" busy={undo.isPending} error={undo.error} fields={["comment"]} onSubmit={() => undo.mutate()}>
        <Comment value={comment} onChange={setComment} error={undo.error} />
      </Form>
    </Dialog>
  );
}
