/** Import a file: choose it, check it without a change, apply it. */
import { useQuery } from "@tanstack/preact-query";
import { useState } from "preact/hooks";

import { readVerdicts } from "../../api/uploads";
import { number, plural } from "../../format";
import { Choice, Comment, Form, Text } from "../../parts/form";
import { type Job, JobBar, StatusBadge, doneOf, isOver, useJob } from "../../parts/job";
import { LifetimeField } from "../../parts/lifetime";
import { Loaded } from "../../parts/loaded";
import { ProblemNotice } from "../../parts/notice";
import { Card, Figures, Table } from "../../parts/screen";
import { type Order, type Run, importOf, start } from "./import_run";
import type { Segment } from "./segment";

interface Result {
  lines: number;
  verdicts: Record<string, number>;
  users_added: number;
  users_deleted: number;
  verdicts_link: string | null;
  dry_run: boolean;
}

const MODES = {
  add: "add the users of the file",
  remove: "remove the users of the file",
  replace: "replace all members by the users of the file",
};
const MOST_SHOWN = 200;

export function Import({ segment }: { segment: Segment }) {
  const { order, run } = importOf(segment.slug);
  const forget = () => {
    run.value = null;
  };
  return (
    <>
      <Card title="1. Choose a file" wide>
        <OrderForm
          slug={segment.slug}
          order={order.value}
          busy={run.value !== null && !run.value.error && run.value.share < 1}
          onChange={(changed) => {
            order.value = { ...order.value, ...changed };
            forget();
          }}
        />
      </Card>
      {run.value && (
        <Card title={run.value.dryRun ? "2. Check: nothing changes yet" : "3. Apply"} wide>
          <RunState slug={segment.slug} run={run.value} />
        </Card>
      )}
    </>
  );
}

interface OrderFormProps {
  slug: string;
  order: Order;
  busy: boolean;
  onChange: (change: Partial<Order>) => void;
}

function OrderForm({ slug, order, busy, onChange }: OrderFormProps) {
  const { run } = importOf(slug);
  const error = run.value?.error;
  return (
    <Form
      label="Import a file"
      submit="Check the file"
      busy={busy}
      error={error}
      fields={["mode", "ttl", "expires_at", "comment", "max_deletions"]}
      disabled={order.file === null}
      onSubmit={() => void start(slug, true)}
    >
      <div class="columns">
        <Drop file={order.file} onFile={(file) => onChange({ file })} />
        <div>
          <Choice label="What to do" name="mode" value={order.mode} options={MODES} onChange={(mode) => onChange({ mode: mode as Order["mode"] })} error={error} />
          {order.mode !== "remove" && <LifetimeField value={order.lifetime} onChange={(lifetime) => onChange({ lifetime })} error={error} />}
          {order.mode === "replace" && (
            <Text
              label="Most members to remove"
              name="max_deletions"
              value={order.maxDeletions}
              onChange={(maxDeletions) => onChange({ maxDeletions })}
              error={error}
              hint="Empty: half of the members. Where the file would remove more, nothing changes."
            />
          )}
        </div>
        <Comment value={order.comment} onChange={(comment) => onChange({ comment })} error={error} />
      </div>
    </Form>
  );
}

function Drop({ file, onFile }: { file: File | null; onFile: (file: File) => void }) {
  const [isOver, setOver] = useState(false);
  const take = (files: FileList | null | undefined) => {
    if (files?.[0]) onFile(files[0]);
  };
  return (
    <label
      class={isOver ? "drop over" : "drop"}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        take(event.dataTransfer?.files);
      }}
    >
      <span>{file ? `${file.name}, ${number(Math.ceil(file.size / 1024))} KB` : "Drop a CSV file here, or choose one"}</span>
      <input type="file" accept=".csv,.gz,.txt,text/csv" onChange={(event) => take(event.currentTarget.files)} />
      <small>One column of user ids, or a column user_id. Perhaps a column ttl or expires_at. Also compressed (.gz).</small>
    </label>
  );
}

function RunState({ slug, run }: { slug: string; run: Run }) {
  const job = useJob(run.jobId);
  if (run.error) return <ProblemNotice error={run.error} />;
  if (run.jobId === null) {
    return (
      <>
        <p>The file is uploaded.</p>
        <progress value={run.share} max={1} aria-label="Upload of the file" />
      </>
    );
  }
  return <Loaded query={job}>{(found) => <ImportJob slug={slug} job={found} run={run} />}</Loaded>;
}

function ImportJob({ slug, job, run }: { slug: string; job: Job; run: Run }) {
  const result = job.result as Result | null | undefined;
  return (
    <div role="status">
      <JobBar job={job} label={run.dryRun ? "Check of the file" : "Import of the file"} />
      <p>
        <StatusBadge status={job.status} /> {isOver(job) ? result && summary(result) : doneOf(job)}
      </p>
      {job.error && <p class="problem">{job.error}</p>}
      {result && <Verdicts result={result} />}
      {job.status === "succeeded" && run.dryRun && (
        <button type="button" onClick={() => void start(slug, false)}>
          Apply the import
        </button>
      )}
    </div>
  );
}

function summary(result: Result): string {
  const would = result.dry_run ? " would" : "";
  const entered = `${plural(result.users_added, "user")}${would} ${result.dry_run ? "enter" : "entered"}`;
  const left = `${plural(result.users_deleted, "user")}${would} ${result.dry_run ? "leave" : "left"}`;
  return `${plural(result.lines, "line")} read: ${entered}, ${left}.`;
}

function Verdicts({ result }: { result: Result }) {
  const counts = Object.entries(result.verdicts).filter(([name, count]) => count > 0 || name === "invalid");
  return (
    <>
      <Figures figures={counts.map(([name, count]) => [name, number(count)])} />
      {result.verdicts_link && (
        <>
          {result.verdicts.invalid > 0 && <Failed link={result.verdicts_link} count={result.verdicts.invalid} />}
          <p>
            <a href={result.verdicts_link} download>
              Download the verdict of every line
            </a>
          </p>
        </>
      )}
    </>
  );
}

function Failed({ link, count }: { link: string; count: number }) {
  const query = useQuery({
    // the signature changes with each answer, the file does not
    queryKey: ["verdicts", link.split("?")[0]],
    queryFn: () => readVerdicts(link, ["invalid"], MOST_SHOWN),
    staleTime: Infinity,
  });
  return (
    <Loaded query={query}>
      {(lines) => (
        <>
          <Table label="Lines that failed" columns={["Line", "Text", "Reason"]}>
            {lines.map(({ line, userId, detail }) => (
              <tr key={line}>
                <th scope="row">{number(line)}</th>
                <td>
                  <code>{userId}</code>
                </td>
                <td>{detail}</td>
              </tr>
            ))}
          </Table>
          {count > lines.length && <p>The first {number(lines.length)} of {number(count)}. The file below has all.</p>}
        </>
      )}
    </Loaded>
  );
}
