/** The change of a user's memberships by hand. */
import { useMutation, useQuery } from "@tanstack/preact-query";
import { useState } from "preact/hooks";

import { type Schemas, answer, api } from "../../api/client";
import { userId } from "../../api/exact";
import { discard, draft } from "../../drafts";
import { plural, utc } from "../../format";
import { idsIn as wordsIn } from "../../ids";
import { Dialog } from "../../parts/dialog";
import { Comment, Form, Text } from "../../parts/form";
import { LifetimeField, NO_END, membersOf } from "../../parts/lifetime";
import { ProblemNotice, say } from "../../parts/notice";

type UserSegment = Schemas["UserSegment"];

const NOTHING = { slugs: "", lifetime: NO_END, comment: "" };

export function AddForm({ id }: { id: string }) {
  const form = draft(`segments of ${id}`, NOTHING);
  const { slugs, lifetime, comment } = form.value;
  const change = useMutation({
    mutationFn: () =>
      answer(
        api.POST("/segment/user", {
          body: { user_id: userId(id), add_segments: wordsIn(slugs), ...membersOf(lifetime), comment: comment || null },
        }),
      ),
    onSuccess: ({ segments_added }) => {
      discard(form, NOTHING);
      say(segments_added ? `User ${id} entered ${plural(segments_added, "segment")}.` : `User ${id} was in already. Nothing has changed.`);
    },
  });
  const { error } = change;
  return (
    <Form
      label="Add to segments"
      submit="Add"
      busy={change.isPending}
      error={error}
      fields={["add_segments", "ttl", "expires_at", "comment"]}
      disabled={!slugs.trim()}
      onSubmit={() => change.mutate()}
    >
      <Text
        label="Segments"
        name="add_segments"
        value={slugs}
        list="slugs"
        onChange={(value) => {
          form.value = { ...form.value, slugs: value };
        }}
        error={error}
        hint="A slug, or several with blanks between them."
      />
      <Slugs prefix={wordsIn(slugs).at(-1) ?? ""} />
      <LifetimeField
        value={lifetime}
        onChange={(value) => {
          form.value = { ...form.value, lifetime: value };
        }}
        error={error}
      />
      <Comment
        value={comment}
        onChange={(value) => {
          form.value = { ...form.value, comment: value };
        }}
        error={error}
      />
    </Form>
  );
}

/** Slugs to choose from while one is typed. */
function Slugs({ prefix }: { prefix: string }) {
  const query = useQuery({
    queryKey: ["slugs", prefix],
    queryFn: () => answer(api.GET("/segment", { params: { query: { prefix, limit: 20 } } })),
    enabled: /^[A-Za-z0-9_.-]*$/.test(prefix),
    staleTime: 60_000,
  });
  return (
    <datalist id="slugs">
      {query.data?.segments.map(({ slug }) => <option key={slug} value={slug} />)}
    </datalist>
  );
}

interface DialogProps {
  id: string;
  membership: UserSegment;
  onClose: () => void;
}

/** Change the lifetime of a membership, or end it. */
export function ChangeDialog({ id, membership, onClose }: DialogProps) {
  const { slug, expires_at } = membership;
  const [lifetime, setLifetime] = useState(NO_END);
  const [comment, setComment] = useState("");
  const members = membersOf(lifetime);
  const change = useMutation({
    mutationFn: () =>
      answer(
        api.PATCH("/segment/user/{user_id}/{slug}", {
          params: { path: { user_id: userId(id), slug } },
          body: { ...(Object.keys(members).length ? members : { ttl: null }), comment: comment || null },
        }),
      ),
    onSuccess: () => {
      say(`The lifetime in ${slug} is saved.`);
      onClose();
    },
  });
  const removal = useMutation({
    mutationFn: () =>
      answer(api.POST("/segment/user", { body: { user_id: userId(id), delete_segments: [slug], comment: comment || null } })),
    onSuccess: () => {
      say(`User ${id} left ${slug}.`);
      onClose();
    },
  });
  return (
    <Dialog title={`User ${id} in ${slug}`} onClose={onClose}>
      <p>{expires_at ? `The membership ends on ${utc(expires_at)}.` : "The membership has no end."}</p>
      <Form
        label="Change the membership"
        submit="Save the lifetime"
        busy={change.isPending}
        error={change.error}
        fields={["ttl", "expires_at", "comment"]}
        onSubmit={() => change.mutate()}
        extra={
          <button type="button" class="danger" aria-busy={removal.isPending} onClick={() => removal.mutate()}>
            Remove from the segment
          </button>
        }
      >
        <LifetimeField value={lifetime} onChange={setLifetime} error={change.error} />
        <Comment value={comment} onChange={setComment} error={change.error ?? removal.error} />
      </Form>
      <ProblemNotice error={removal.error} fields={["comment"]} />
    </Dialog>
  );
}
