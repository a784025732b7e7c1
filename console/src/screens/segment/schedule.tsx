/** The schedule of the percent: as a chart, made and cancelled here. */
import { useMutation, useQuery } from "@tanstack/preact-query";
import { addDays, addHours } from "date-fns";
import { useMemo } from "preact/hooks";

import { Problem } from "../../api/problem";
import { type Step, cancelSteps, planSteps, scheduleOf } from "../../api/schedule";
import { discard, draft } from "../../drafts";
import { asField, fromField, now, percent, plural } from "../../format";
import { Chart } from "../../parts/chart";
import { Comment, Form, Moment, Text } from "../../parts/form";
import { StatusBadge } from "../../parts/job";
import { Empty, Loaded } from "../../parts/loaded";
import { ProblemNotice, say } from "../../parts/notice";
import { Card, Table } from "../../parts/screen";
import { When } from "../../parts/when";
import { may } from "../../session";
import { toPercent } from "./effect";
import type { Segment } from "./segment";

interface Row {
  at: string;
  percent: string;
}

export function Schedule({ segment }: { segment: Segment }) {
  const query = useQuery({ queryKey: ["schedule", segment.slug], queryFn: () => scheduleOf(segment.slug) });
  return <Loaded query={query}>{({ steps }) => <Steps segment={segment} steps={steps} />}</Loaded>;
}

function Steps({ segment, steps }: { segment: Segment; steps: Step[] }) {
  const pending = steps.filter((step) => step.status === "pending");
  return (
    <>
      {steps.length ? (
        <Card title="Percent over time" wide>
          <StepChart segment={segment} steps={steps} />
          <StepTable steps={steps} />
          {pending.length > 0 && may("editor") && <Cancel segment={segment} count={pending.length} />}
        </Card>
      ) : (
        <Empty title="No step is planned.">{may("editor") ? "Plan the first one below." : "An editor can plan steps."}</Empty>
      )}
      {may("editor") && !pending.length && (
        <Card title="Plan steps" wide>
          <Plan segment={segment} />
        </Card>
      )}
    </>
  );
}

function StepChart({ segment, steps }: { segment: Segment; steps: Step[] }) {
  const shown = steps.filter(({ status }) => status === "pending" || status === "applied");
  const key = JSON.stringify([segment.user_percent, shown]);
  const { times, values } = useMemo(() => series(segment.user_percent, shown), [key]);
  const text = shown.map((step) => `${percent(step.user_percent)} from ${step.at}`).join(", ");
  return <Chart label={`Percent of ${segment.slug}: ${text}`} name="Percent" unit=" %" times={times} values={values} stepped />;
}

/** The percent at each step: what was applied, what is now, what is planned. */
function series(current: number | null, steps: Step[]) {
  const present = now.peek();
  const points = steps.map((step) => [Date.parse(step.applied_at ?? step.at), step.user_percent] as const);
  const past = points.filter(([at]) => at < present);
  const future = points.filter(([at]) => at >= present);
  const last = future.length ? future[future.length - 1] : ([present, current ?? 0] as const);
  const all = [...past, [present, current ?? 0] as const, ...future, [addDays(last[0], 1).getTime(), last[1]] as const];
  return { times: all.map(([at]) => at / 1000), values: all.map(([, value]) => value) };
}

function StepTable({ steps }: { steps: Step[] }) {
  return (
    <Table label="Steps" columns={["At", "Percent", "By", "Comment", "Status"]}>
      {steps.map((step) => (
        <tr key={step.step_id}>
          <th scope="row">
            <When at={step.at} />
          </th>
          <td class="number">{percent(step.user_percent)}</td>
          <td>{step.actor}</td>
          <td class="comment">{step.comment ?? "–"}</td>
          <td>
            <StatusBadge status={step.status} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Cancel({ segment, count }: { segment: Segment; count: number }) {
  const cancellation = useMutation({
    mutationFn: () => cancelSteps(segment.slug),
    onSuccess: ({ steps_cancelled }) => say(`${plural(steps_cancelled, "step")} cancelled.`),
  });
  return (
    <>
      <ProblemNotice error={cancellation.error} />
      <button type="button" class="danger" aria-busy={cancellation.isPending} onClick={() => cancellation.mutate()}>
        Cancel {plural(count, "pending step")}
      </button>
    </>
  );
}

function soon(): string {
  return asField(addHours(new Date(), 1));
}

function Plan({ segment }: { segment: Segment }) {
  const nothing = { rows: [{ at: soon(), percent: "" }], comment: "" };
  const form = draft(`schedule of ${segment.slug}`, nothing);
  const { rows, comment } = form.value;
  const setRows = (changed: Row[]) => {
    form.value = { ...form.value, rows: changed };
  };
  const plan = useMutation({
    mutationFn: async () =>
      planSteps(
        segment.slug,
        rows.map((row, index) => ({ at: requireInstant(row.at, index), user_percent: toPercent(row.percent) as number })),
        comment || null,
      ),
    onSuccess: ({ steps }) => {
      discard(form, nothing);
      say(`${plural(steps.length, "step")} planned.`);
    },
  });
  const last = rows[rows.length - 1];
  const add = (days: number, value: string) => {
    const from = fromField(last.at) ?? new Date().toISOString();
    setRows([...rows, { at: asField(addDays(from, days)), percent: value }]);
  };
  return (
    <Form
      label="Plan steps"
      submit={`Plan ${plural(rows.length, "step")}`}
      busy={plan.isPending}
      error={plan.error}
      fields={rows.flatMap((_, index) => [`steps.${index}.at`, `steps.${index}.user_percent`]).concat("comment")}
      disabled={rows.some((row) => !row.percent.trim())}
      onSubmit={() => plan.mutate()}
      extra={
        <>
          <button type="button" class="secondary outline" onClick={() => add(1, "")}>
            Add a step
          </button>
          <button type="button" class="secondary outline" onClick={() => add(7, String(segment.user_percent ?? 0))}>
            End after a week
          </button>
        </>
      }
    >
      {rows.map((row, index) => (
        <fieldset class="step" key={index}>
          <legend>Step {index + 1}</legend>
          <Moment
            label="At"
            name={`steps.${index}.at`}
            value={row.at}
            onChange={(at) => setRows(rows.with(index, { ...row, at }))}
            error={plan.error}
          />
          <Text
            label="Percent"
            name={`steps.${index}.user_percent`}
            value={row.percent}
            onChange={(value) => setRows(rows.with(index, { ...row, percent: value }))}
            error={plan.error}
          />
          {rows.length > 1 && (
            <button type="button" class="secondary outline small" aria-label={`Remove step ${index + 1}`} onClick={() => setRows(rows.toSpliced(index, 1))}>
              Remove
            </button>
          )}
        </fieldset>
      ))}
      <Comment
        value={comment}
        onChange={(value) => {
          form.value = { ...form.value, comment: value };
        }}
        error={plan.error}
      />
    </Form>
  );
}

function requireInstant(text: string, index: number): string {
  const instant = fromField(text);
  if (instant) return instant;
  const errors = [{ location: `body.steps.${index}.at`, message: "Enter a date and a time." }];
  throw new Problem(422, { detail: "Correct the marked fields.", errors });
}
