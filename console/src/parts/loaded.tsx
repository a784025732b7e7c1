/** What a query has: its data, its error, or neither yet. */
import type { ComponentChildren } from "preact";

import { asking } from "../session";
import { ProblemNotice } from "./notice";

interface Query<Data> {
  data: Data | undefined;
  error: unknown;
  refetch?: () => unknown;
}

export function Loaded<Data>({ query, children }: { query: Query<Data>; children: (data: Data) => ComponentChildren }) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (asking.value) return null; // the screen waits for a sign-in
  if (!query.error) {
    return (
      <p class="loading" aria-busy="true">
        Loading …
      </p>
    );
  }
  return (
    <div>
      <ProblemNotice error={query.error} />
      {query.refetch && (
        <button type="button" class="secondary" onClick={() => void query.refetch?.()}>
          Try again
        </button>
      )}
    </div>
  );
}

/** What a list says while it has no items, and what to do next. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p>
        <strong>{title}</strong>
      </p>
      {children && <p>{children}</p>}
    </div>
  );
}

/** The next page of a list, while there is one. */
export function More({ query }: { query: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown } }) {
  if (!query.hasNextPage) return null;
  return (
    <button
      type="button"
      class="secondary outline more"
      aria-busy={query.isFetchingNextPage}
      onClick={() => void query.fetchNextPage()}
    >
      Show more
    </button>
  );
}
