/** The members by page, and their entry and exit by hand. */
import { keepPreviousData, useMutation, useQuery } from "@tanstack/preact-query";
import { useState } from "preact/hooks";
import { Link } from "wouter-preact";

import { type Schemas, answer, api } from "../../api/client";
import { discard, draft } from "../../drafts";
import { plural } from "../../format";
import { idsIn, requireIds } from "../../ids";
import { Choice, Comment, Form, Text } from "../../parts/form";
import { LifetimeField, NO_END, membersOf } from "../../parts/lifetime";
import { Empty, Loaded } from "../../parts/loaded";
import { ProblemNotice, say } from "../../parts/notice";
import { Card, Table } from "../../parts/screen";
import { Lifetime, When } from "../../parts/when";
import { may } from "../../session";
import type { Segment } from "./segment";

type Member = Schemas["Member"];

const PAGE = 50;
const NOTHING = { ids: "", action: "add", lifetime: NO_END, comment: "" };

export function Members({ segment }: { segment: Segment }) {
  return (
    <>
      {may("editor") && (
        <Card title="Add or remove users" wide>
          <ChangeForm segment={segment} />
        </Card>
      )}
      <Pages segment={segment} />
    </>
  );
}

function ChangeForm({ segment }: { segment: Segment }) {
  const form = draft(`members of ${segment.slug}`, NOTHING);
  const { ids, action, lifetime, comment } = form.value;
  const adds = action === "add";
  const change = useMutation({
    mutationFn: async () =>
      answer(
        api.POST("/segment/{slug}/users", {
          params: { path: { slug: segment.slug } },
          body: {
            [adds ? "add_users" : "delete_users"]: requireIds(ids, "ids"),
            ...(adds ? membersOf(lifetime) : {}),
            comment: comment || null,
          },
        }),
      ),
    onSuccess: ({ users_added, users_deleted }) => {
      discard(form, NOTHING);
      say(`${plural(users_added, "user")} entered, ${plural(users_deleted, "user")} left.`);
    },
  });
  const { error } = change;
  const count = idsIn(ids).length;
  return (
    <Form
      label="Add or remove users"
      submit={`${adds ? "Add" : "Remove"} ${count ? plural(count, "user") : "users"}`}
      busy={change.isPending}
      error={error}
      fields={["ids", "ttl", "expires_at", "comment"]}
      disabled={count === 0}
      onSubmit={() => change.mutate()}
    >
      <div class="columns">
        <Text
          label="User ids"
          name="ids"
          rows={4}
          value={ids}
          onChange={(value) => {
            form.value = { ...form.value, ids: value };
          }}
          error={error}
          hint="One id, or a pasted list of at most 10 000."
        />
        <div>
          <Choice
            label="What to do"
            name="action"
            value={action}
            options={{ add: "add them", remove: "remove them" }}
            onChange={(value) => {
              form.value = { ...form.value, action: value };
            }}
          />
          {adds && (
            <LifetimeField
              value={lifetime}
              onChange={(value) => {
                form.value = { ...form.value, lifetime: value };
              }}
              error={error}
            />
          )}
        </div>
        <Comment
          value={comment}
          onChange={(value) => {
            form.value = { ...form.value, comment: value };
          }}
          error={error}
        />
      </div>
    </Form>
  );
}

function Pages({ segment }: { segment: Segment }) {
  const [cursors, setCursors] = useState<string[]>([]);
  const cursor = cursors[cursors.length - 1];
  const query = useQuery({
    queryKey: ["members", segment.slug, cursor],
    queryFn: () =>
      answer(
        api.GET("/segment/{slug}/users", { params: { path: { slug: segment.slug }, query: { limit: PAGE, cursor } } }),
      ),
    placeholderData: keepPreviousData,
  });
  return (
    <Loaded query={query}>
      {({ users, next_cursor }) => (
        <>
          {users.length ? <List segment={segment} members={users} /> : <NoMembers />}
          <div class="pages">
            <button type="button" class="secondary outline" disabled={!cursors.length} onClick={() => setCursors(cursors.slice(0, -1))}>
              Previous page
            </button>
            <small>Page {cursors.length + 1}</small>
            <button
              type="button"
              class="secondary outline"
              disabled={next_cursor === null}
              aria-busy={query.isPlaceholderData}
              onClick={() => next_cursor && setCursors([...cursors, next_cursor])}
            >
              Next page
            </button>
          </div>
        </>
      )}
    </Loaded>
  );
}

function NoMembers() {
  return (
    <Empty title="The segment has no members.">
      {may("editor") ? "Add users above, import a file, or set a percent." : "An editor can add users."}
    </Empty>
  );
}

function List({ segment, members }: { segment: Segment; members: Member[] }) {
  const removal = useMutation({
    mutationFn: (id: number) =>
      answer(api.POST("/segment/{slug}/users", { params: { path: { slug: segment.slug } }, body: { delete_users: [id] } })),
    onSuccess: (_, id) => say(`User ${id} left ${segment.slug}.`),
  });
  return (
    <>
      <ProblemNotice error={removal.error} />
      <Table label="Members in order of id" columns={["User", "Entered", "Lifetime", ""]}>
        {members.map(({ user_id, added_at, expires_at }) => (
          <tr key={user_id}>
            <th scope="row">
              <Link href={`/users/${user_id}`}>{user_id}</Link>
            </th>
            <td>
              <When at={added_at} />
            </td>
            <td>
              <Lifetime until={expires_at} />
            </td>
            <td>
              {may("editor") && (
                <button
                  type="button"
                  class="secondary outline small"
                  aria-label={`Remove user ${user_id}`}
                  aria-busy={removal.isPending && removal.variables === user_id}
                  onClick={() => removal.mutate(user_id)}
                >
                  Remove
                </button>
              )}
            </td>
          </tr>
        ))}
      </Table>
    </>
  );
}
