/** Short messages at the bottom of the page, read aloud by screen readers. */
import { signal } from "@preact/signals";

import { Problem, problemOf } from "../api/problem";

const SHOWN_MS = 8000;

const notices = signal<{ id: number; text: string }[]>([]);
let last = 0;

export function say(text: string): void {
  const id = ++last;
  notices.value = [...notices.value, { id, text }];
  setTimeout(() => {
    notices.value = notices.value.filter((notice) => notice.id !== id);
  }, SHOWN_MS);
}

export function Notices() {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map(({ id, text }) => (
        <p key={id}>{text}</p>
      ))}
    </div>
  );
}

/** The detail of a problem, and the errors that no field of the form shows. */
export function ProblemNotice({ error, fields = [] }: { error: unknown; fields?: string[] }) {
  const problem = problemOf(error);
  if (problem === null) return null;
  const others = problem.besides(fields);
  const isShownByFields = problem.errors.length > 0 && others.length === 0;
  return (
    <div class="problem" role="alert">
      <p>{isShownByFields ? "Correct the marked fields." : problem.message}</p>
      {others.length > 0 && (
        <ul>
          {others.map(({ location, message }) => (
            <li key={location}>
              <code>{location}</code> {message}
            </li>
          ))}
        </ul>
      )}
      {problem instanceof Problem && problem.status >= 500 && problem.requestId && <small>Request {problem.requestId}</small>}
    </div>
  );
}
