/** A job: how far it is, its result, its error. */
import { useQuery } from "@tanstack/preact-query";
import { useEffect } from "preact/hooks";

import { type Schemas, answer, api } from "../api/client";
import { queries } from "../api/queries";
import { number } from "../format";
import { Loaded } from "./loaded";

export type Job = Schemas["Job"];

const LOOK_EVERY_MS = 1000;

export function isOver(job: Job | undefined): boolean {
  return job?.status === "succeeded" || job?.status === "failed";
}

export function useJob(jobId: string | null) {
  const query = useQuery({
    queryKey: ["job", jobId],
    queryFn: () => answer(api.GET("/job/{job_id}", { params: { path: { job_id: jobId ?? "" } } })),
    enabled: jobId !== null,
    refetchInterval: ({ state }) => (isOver(state.data) ? false : LOOK_EVERY_MS),
    staleTime: 0,
  });
  const over = isOver(query.data);
  useEffect(() => {
    // what the job changed is loaded again, but not the job itself, whose link is signed anew with each answer
    if (over) void queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== "job" });
  }, [over]);
  return query;
}

export function JobProgress({ jobId, label }: { jobId: string; label: string }) {
  const query = useJob(jobId);
  return <Loaded query={query}>{(job) => <JobState job={job} label={label} />}</Loaded>;
}

export function JobState({ job, label }: { job: Job; label: string }) {
  return (
    <div class="job" role="group" aria-label={label}>
      <JobBar job={job} label={label} />
      <p>
        <StatusBadge status={job.status} /> {doneOf(job)}
      </p>
      {job.error && <p class="error">{job.error}</p>}
      <ResultLink job={job} />
    </div>
  );
}

export function JobBar({ job, label }: { job: Job; label: string }) {
  if (job.status === "failed") return null;
  if (job.status === "succeeded") return <progress value={1} max={1} aria-label={label} />;
  return job.total ? (
    <progress value={Math.min(job.done, job.total)} max={job.total} aria-label={label} />
  ) : (
    <progress aria-label={label} />
  );
}

export function StatusBadge({ status }: { status: string }) {
  return <span class={`badge ${status}`}>{status}</span>;
}

export function ResultLink({ job }: { job: Job }) {
  const { report_link: link, rows } = (job.result ?? {}) as { report_link?: string; rows?: number };
  if (!link) return null;
  return (
    <p>
      <a href={link} download>
        Download {fileName(link)}
      </a>
      {rows !== undefined && <small> {number(rows)} rows</small>}
    </p>
  );
}

export function doneOf(job: Job): string {
  if (job.status === "queued") return "It waits for a worker.";
  return job.total ? `${number(job.done)} of ${number(job.total)}` : number(job.done);
}

/** Return the name that the downloaded file gets: without the random part. */
function fileName(link: string): string {
  const name = decodeURIComponent(new URL(link).pathname.split("/").at(-1) ?? "");
  return name.replace(/-[0-9a-f]{32}(?=\.)/, "");
}
