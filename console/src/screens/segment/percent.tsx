/** The percent of a segment, with what a new one would do. */
import { useMutation } from "@tanstack/preact-query";
import { useState } from "preact/hooks";

import { type Schemas, answer, api } from "../../api/client";
import { discard, draft } from "../../drafts";
import { plural } from "../../format";
import { Comment, Form, Text } from "../../parts/form";
import { JobProgress } from "../../parts/job";
import { say } from "../../parts/notice";
import { Effect, toPercent } from "./effect";
import type { Segment } from "./segment";

type Changed = Schemas["SegmentChanged"] & { job_id?: string; steps_cancelled?: number };

const NOTHING = { percent: "", comment: "" };

export function PercentForm({ segment }: { segment: Segment }) {
  const form = draft(`percent of ${segment.slug}`, NOTHING);
  const [jobId, setJobId] = useState<string | null>(null);
  const { percent, comment } = form.value;
  const to = toPercent(percent);
  const change = useMutation({
    mutationFn: () =>
      answer(
        api.PATCH("/segment/{slug}", {
          params: { path: { slug: segment.slug } },
          body: { user_percent: to, comment: comment || null },
        }),
      ),
    onSuccess: (changed: Changed) => {
      discard(form, NOTHING);
      setJobId(changed.job_id ?? null);
      say(changed.job_id ? "The percent is saved. A job moves the users." : movedBy(changed));
    },
  });
  return (
    <>
      <Form
        label="Percent of users"
        submit="Save the percent"
        busy={change.isPending}
        error={change.error}
        fields={["user_percent", "comment"]}
        disabled={!percent.trim()}
        onSubmit={() => change.mutate()}
      >
        <Text
          label="New percent"
          name="user_percent"
          value={percent}
          onChange={(value) => {
            form.value = { ...form.value, percent: value };
          }}
          error={change.error}
          hint={percent.trim() ? <Effect from={segment.user_percent} to={to} /> : "From 0 to 100, in steps of 0.01. A save cancels pending steps."}
        />
        <Comment
          value={comment}
          onChange={(value) => {
            form.value = { ...form.value, comment: value };
          }}
          error={change.error}
        />
      </Form>
      {jobId && <JobProgress jobId={jobId} label="Moving the users" />}
    </>
  );
}

export function movedBy(changed: Changed): string {
  const cancelled = changed.steps_cancelled ? ` ${plural(changed.steps_cancelled, "pending step")} cancelled.` : "";
  return `${changed.slug}: ${plural(changed.users_added ?? 0, "user")} entered, ${plural(changed.users_deleted ?? 0, "user")} left.${cancelled}`;
}
