/** Order a report, and see every job. */
import { useInfiniteQuery, useMutation } from "@tanstack/preact-query";
import { useState } from "preact/hooks";

import { answer, api } from "../../api/client";
import { discard, draft } from "../../drafts";
import { duration, now } from "../../format";
import { Choice, Form, Text } from "../../parts/form";
import { type Job, JobBar, ResultLink, StatusBadge, doneOf, isOver } from "../../parts/job";
import { Empty, Loaded, More } from "../../parts/loaded";
import { say } from "../../parts/notice";
import { Card, Screen, Table } from "../../parts/screen";
import { When } from "../../parts/when";

const PAGE = 25;
const LOOK_EVERY_MS = 2000;
const KINDS = {
  "": "every kind",
  month_report: "report of a month",
  segment_export: "export of a segment",
  import: "import",
  rollout: "percent",
  segment_removal: "deletion of a segment",
};
const STATUSES = { "": "every status", queued: "queued", running: "running", succeeded: "succeeded", failed: "failed" };

export function JobsScreen() {
  return (
    <Screen title="Reports and jobs">
      <Card title="Report of a month" wide>
        <ReportForm />
      </Card>
      <Jobs />
    </Screen>
  );
}

function ReportForm() {
  const nothing = { month: new Date().toISOString().slice(0, 7), slug: "", format: "csv", columns: "plain", delimiter: "," };
  const form = draft("report", nothing);
  const { month, slug, format, columns, delimiter } = form.value;
  const set = (name: keyof typeof nothing) => (value: string) => {
    form.value = { ...form.value, [name]: value };
  };
  const order = useMutation({
    mutationFn: () => {
      const [year, number] = month.split("-").map(Number);
      const body = { year, month: number, slug: slug.trim() || null, format, columns, delimiter } as never;
      return answer(api.POST("/report", { body }));
    },
    onSuccess: () => {
      discard(form, nothing);
      say("The report is ordered. The list below shows its progress.");
    },
  });
  const { error } = order;
  return (
    <Form
      label="Report of a month"
      submit="Order the report"
      busy={order.isPending}
      error={error}
      fields={["month", "year", "slug", "format", "columns", "delimiter"]}
      onSubmit={() => order.mutate()}
    >
      <div class="columns">
        <Text label="Month (UTC)" name="month" type="month" value={month} onChange={set("month")} error={error} />
        <Text label="Segment, or empty for all" name="slug" value={slug} onChange={set("slug")} error={error} />
        <Choice label="Columns" name="columns" value={columns} options={{ plain: "entries and exits", extended: "every operation, with reason and actor" }} onChange={set("columns")} error={error} />
        <Choice label="Separator" name="delimiter" value={delimiter} options={{ ",": "comma", ";": "semicolon, for spreadsheets" }} onChange={set("delimiter")} error={error} />
        <Choice label="Format" name="format" value={format} options={{ csv: "CSV", "csv.gz": "CSV, compressed" }} onChange={set("format")} error={error} />
      </div>
    </Form>
  );
}

function Jobs() {
  const [kind, setKind] = useState("");
  const [status, setStatus] = useState("");
  const query = useInfiniteQuery({
    queryKey: ["jobs", kind, status],
    queryFn: ({ pageParam }) =>
      answer(
        api.GET("/job", {
          params: { query: { limit: PAGE, cursor: pageParam, ...(kind ? { kind } : {}), ...(status ? { status } : {}) } as never },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: ({ state }) => {
      const jobs = state.data?.pages.flatMap((page) => page.jobs) ?? [];
      return jobs.every(isOver) ? false : LOOK_EVERY_MS;
    },
  });
  return (
    <>
      <div class="columns filters">
        <Choice label="Kind" name="kind" value={kind} options={KINDS} onChange={setKind} />
        <Choice label="Status" name="status" value={status} options={STATUSES} onChange={setStatus} />
      </div>
      <Loaded query={query}>
        {({ pages }) => {
          const jobs = pages.flatMap((page) => page.jobs);
          return jobs.length ? <List jobs={jobs} /> : <Empty title="No job is here.">Order a report above. A job stays for 30 days after its end.</Empty>;
        }}
      </Loaded>
      <More query={query} />
    </>
  );
}

function List({ jobs }: { jobs: Job[] }) {
  return (
    <Table label="Jobs, newest first" columns={["Ordered", "Kind", "By", "Status", "Progress and result"]}>
      {jobs.map((job) => (
        <tr key={job.job_id}>
          <th scope="row">
            <When at={job.created_at} />
          </th>
          <td>{(KINDS as Record<string, string>)[job.kind] ?? job.kind}</td>
          <td>{job.actor}</td>
          <td>
            <StatusBadge status={job.status} />
          </td>
          <td>
            <Progress job={job} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Progress({ job }: { job: Job }) {
  const lasted = Date.parse(job.finished_at ?? new Date(now.value).toISOString()) - Date.parse(job.created_at);
  return (
    <>
      {!isOver(job) && <JobBar job={job} label={`Progress of ${job.kind}`} />}
      {job.error ? <p class="error">{job.error}</p> : <ResultLink job={job} />}
      <VerdictsLink job={job} />
      <small>
        {doneOf(job)}, {job.finished_at ? `after ${duration(lasted)}` : `for ${duration(lasted)}`}
      </small>
    </>
  );
}

function VerdictsLink({ job }: { job: Job }) {
  const link = (job.result as { verdicts_link?: string | null } | null | undefined)?.verdicts_link;
  return link ? (
    <p>
      <a href={link} download>
        Download the verdicts
      </a>
    </p>
  ) : null;
}
