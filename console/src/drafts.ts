/** What is typed into forms. It survives going back, a reload and a new sign-in, and ends with the tab. */
import { type Signal, effect, signal } from "@preact/signals";

const drafts = new Map<string, Signal<unknown>>();

/** Return the draft of a form. Its first value is the given one. */
export function draft<Value>(name: string, initial: Value): Signal<Value> {
  const known = drafts.get(name);
  if (known) return known as Signal<Value>;
  const key = `segmentation.draft.${name}`;
  const stored = sessionStorage.getItem(key);
  const created = signal<Value>(stored === null ? initial : (JSON.parse(stored) as Value));
  drafts.set(name, created as Signal<unknown>);
  effect(() => {
    if (created.value !== initial) sessionStorage.setItem(key, JSON.stringify(created.value));
  });
  return created;
}

/** Forget a draft, after its form was sent. */
export function discard<Value>(draft: Signal<Value>, initial: Value): void {
  draft.value = initial;
  for (const [name, known] of drafts) if (known === (draft as Signal<unknown>)) sessionStorage.removeItem(`segmentation.draft.${name}`);
}
