/** A run of an import: order it, upload the file, start the job. It goes on while the user looks at other screens. */
import { signal } from "@preact/signals";

import { answer, api } from "../../api/client";
import { upload } from "../../api/uploads";
import { type ChosenLifetime, NO_END, membersOf } from "../../parts/lifetime";

export interface Order {
  file: File | null;
  mode: "add" | "remove" | "replace";
  lifetime: ChosenLifetime;
  maxDeletions: string;
  comment: string;
}

export interface Run {
  dryRun: boolean;
  /** The share of the file that is uploaded. */
  share: number;
  jobId: string | null;
  error: unknown;
}

export const NO_ORDER: Order = { file: null, mode: "add", lifetime: NO_END, maxDeletions: "", comment: "" };

const runs = new Map<string, ReturnType<typeof newState>>();

function newState() {
  return { order: signal(NO_ORDER), run: signal<Run | null>(null) };
}

/** Return the order and the run of a segment's import. They last as long as the tab, because a file cannot be stored. */
export function importOf(slug: string) {
  const known = runs.get(slug) ?? newState();
  runs.set(slug, known);
  return known;
}

export async function start(slug: string, dryRun: boolean): Promise<void> {
  const { order, run } = importOf(slug);
  const { file } = order.value;
  if (!file) return;
  run.value = { dryRun, share: 0, jobId: null, error: null };
  const update = (change: Partial<Run>) => {
    if (run.value) run.value = { ...run.value, ...change };
  };
  try {
    const created = await answer(api.POST("/import", { body: bodyOf(slug, order.value, dryRun) }));
    await upload(created.upload_link, file, (share) => update({ share }));
    const started = await answer(
      api.POST("/import/{import_id}", { params: { path: { import_id: created.import_id } } }),
    );
    update({ share: 1, jobId: started.job_id });
  } catch (error) {
    update({ error });
  }
}

function bodyOf(slug: string, order: Order, dryRun: boolean) {
  return {
    slug,
    mode: order.mode,
    dry_run: dryRun,
    ...(order.mode === "remove" ? {} : membersOf(order.lifetime)),
    ...(order.mode === "replace" && order.maxDeletions ? { max_deletions: Number(order.maxDeletions) } : {}),
    comment: order.comment || null,
  };
}
