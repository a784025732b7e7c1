/** The cache of answers. Every write makes what is on the screen load again. */
import { MutationCache, QueryClient } from "@tanstack/preact-query";

import { problemOf } from "./problem";

const MOST_TRIES = 4;

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      retry: (failures, error) => failures < MOST_TRIES && (problemOf(error)?.isTemporary ?? false),
      retryDelay: (failures, error) => (problemOf(error)?.retryAfter ?? 1) * 1000 * (failures + 1),
    },
  },
  mutationCache: new MutationCache({ onSuccess: () => void queries.invalidateQueries() }),
});
