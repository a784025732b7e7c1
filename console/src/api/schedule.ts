/** The schedule of a segment's percent. */
import { type Schemas, answer, api } from "./client";

export type Step = Schemas["ScheduledStep"];

/** Past steps come first, so a short page could lack the pending ones. */
const MOST = 1000;

export function scheduleOf(slug: string) {
  return answer(api.GET("/segment/{slug}/schedule", { params: { path: { slug }, query: { limit: MOST } } }));
}

export function planSteps(slug: string, steps: { at: string; user_percent: number }[], comment: string | null) {
  return answer(api.POST("/segment/{slug}/schedule", { params: { path: { slug } }, body: { steps, comment } }));
}

export function cancelSteps(slug: string) {
  return answer(api.DELETE("/segment/{slug}/schedule", { params: { path: { slug } } }));
}
