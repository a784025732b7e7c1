/** Rename, describe, export and delete a segment. */
import { useMutation } from "@tanstack/preact-query";
import { useState } from "preact/hooks";
import { useLocation } from "wouter-preact";

import { answer, api } from "../../api/client";
import { discard, draft } from "../../drafts";
import { fromField, plural } from "../../format";
import { Choice, Comment, Form, Moment, Text } from "../../parts/form";
import { JobProgress } from "../../parts/job";
import { say } from "../../parts/notice";
import { Card } from "../../parts/screen";
import { may } from "../../session";
import type { Segment } from "./segment";

export function Settings({ segment }: { segment: Segment }) {
  return (
    <div class="cards">
      <Card title="Export the members">
        <Export segment={segment} />
      </Card>
      {may("editor") && (
        <>
          <Card title="Name, description, owner">
            <Description segment={segment} />
          </Card>
          <Card title="Delete the segment">
            <Deletion segment={segment} />
          </Card>
        </>
      )}
    </div>
  );
}

function Export({ segment }: { segment: Segment }) {
  const [moment, setMoment] = useState("");
  const [format, setFormat] = useState("csv");
  const order = useMutation({
    mutationFn: () =>
      answer(
        api.POST("/segment/{slug}/export", {
          params: { path: { slug: segment.slug } },
          body: { format: format as "csv" | "csv.gz", at: moment ? fromField(moment) : null },
        }),
      ),
  });
  return (
    <>
      <Form label="Export the members" submit="Make the file" busy={order.isPending} error={order.error} fields={["at", "format"]} onSubmit={() => order.mutate()}>
        <Moment label="Members at, or empty for now" name="at" value={moment} onChange={setMoment} error={order.error} max={new Date()} />
        <Choice label="Format" name="format" value={format} options={{ csv: "CSV", "csv.gz": "CSV, compressed" }} onChange={setFormat} error={order.error} />
      </Form>
      {order.data && <JobProgress jobId={order.data.job_id} label="Export of the members" />}
    </>
  );
}

interface Described {
  slug?: string;
  description?: string;
  owner?: string;
  comment?: string;
}

const NOTHING: Described = {};

function Description({ segment }: { segment: Segment }) {
  const [, go] = useLocation();
  const form = draft(`settings of ${segment.slug}`, NOTHING); // only what was typed, so that nothing else is overwritten
  const { slug, description, owner, comment } = form.value;
  const set = (name: keyof Described) => (value: string) => {
    form.value = { ...form.value, [name]: value };
  };
  const change = useMutation({
    mutationFn: () =>
      answer(
        api.PATCH("/segment/{slug}", {
          params: { path: { slug: segment.slug } },
          body: {
            ...(slug === undefined ? {} : { slug: slug.trim() }),
            ...(description === undefined ? {} : { description: description || null }),
            ...(owner === undefined ? {} : { owner: owner || null }),
            comment: comment || null,
          },
        }),
      ),
    onSuccess: (changed) => {
      discard(form, NOTHING);
      say(`${changed.slug} is saved.`);
      if (changed.slug !== segment.slug) go(`/segments/${encodeURIComponent(changed.slug)}/settings`, { replace: true });
    },
  });
  const { error } = change;
  return (
    <Form
      label="Name, description, owner"
      submit="Save"
      busy={change.isPending}
      error={error}
      fields={["slug", "description", "owner", "comment"]}
      disabled={slug === undefined && description === undefined && owner === undefined}
      onSubmit={() => change.mutate()}
    >
      <Text
        label="Slug"
        name="slug"
        value={slug ?? segment.slug}
        onChange={set("slug")}
        error={error}
        hint="Members and history stay. Clients must ask by the new slug."
      />
      <Text
        label="Description"
        name="description"
        rows={2}
        value={description ?? segment.description ?? ""}
        onChange={set("description")}
        error={error}
      />
      <Text label="Owner" name="owner" value={owner ?? segment.owner ?? ""} onChange={set("owner")} error={error} />
      <Comment value={comment ?? ""} onChange={set("comment")} error={error} />
    </Form>
  );
}

function Deletion({ segment }: { segment: Segment }) {
  const [, go] = useLocation();
  const [typed, setTyped] = useState("");
  const [comment, setComment] = useState("");
  const deletion = useMutation({
    mutationFn: () => answer(api.DELETE("/segment", { body: { slug: segment.slug, comment: comment || null } })),
    onSuccess: () => {
      say(`${segment.slug} is deleted.`);
      go("/segments", { replace: true });
    },
  });
  return (
    <Form
      label="Delete the segment"
      submit="Delete the segment"
      danger
      busy={deletion.isPending}
      error={deletion.error}
      fields={["comment"]}
      disabled={typed !== segment.slug}
      onSubmit={() => deletion.mutate()}
    >
      <p>{plural(segment.members, "member")} would leave it. The history stays. This cannot be undone.</p>
      <Text label={`Type ${segment.slug} to confirm`} name="slug" value={typed} onChange={setTyped} />
      <Comment value={comment} onChange={setComment} error={deletion.error} />
    </Form>
  );
}
