/** What a percent would do, in words, before it is saved. */
import { useQuery } from "@tanstack/preact-query";

import { answer, api } from "../../api/client";
import { number, percent } from "../../format";

const FRESH_MS = 60_000;

/** Return the percent that is typed in. A text that is no number goes to the service, which says so. */
export function toPercent(text: string): number | null {
  if (!text.trim()) return null;
  const value = Number(text.trim().replace(",", ".").replace(/\s*%$/, ""));
  return Number.isNaN(value) ? (text as unknown as number) : value;
}

export function Effect({ from, to }: { from: number | null; to: number | null }) {
  const users = useUsers();
  return <span class="effect">{effectOf(from, to, users)}</span>;
}

/** Return the number of users, which is an estimate above a hundred thousand. */
function useUsers(): number | undefined {
  const query = useQuery({
    queryKey: ["users"],
    queryFn: async () => {
      const metrics = await answer(api.GET("/metrics", { parseAs: "text" }));
      return Number(/^segmentation_users (\S+)/m.exec(metrics)?.[1] ?? 0);
    },
    staleTime: FRESH_MS,
  });
  return query.data;
}

export function effectOf(from: number | null, to: number | null, users: number | undefined): string {
  const change = `${percent(from)} → ${typeof to === "string" ? to : percent(to)}`;
  if (from === to) return `${change}: nothing changes.`;
  if (to === null) return `${change}: no more users enter by the percent. All members stay.`;
  if (typeof to !== "number" || to < 0 || to > 100) return `${change}: a percent is a number from 0 to 100.`;
  const moved = about(Math.abs(to - (from ?? 0)), users);
  if (to > (from ?? 0)) return `${change}: ${moved} enter, nobody leaves.`;
  const who = to === 0 ? `every member by percent leaves, ${moved}` : `${moved} leave, nobody enters`;
  return `${change}: ${who}. Members who were added by hand or by an import stay.`;
}

function about(share: number, users: number | undefined): string {
  if (users === undefined) return `about ${percent(share)} of the users`;
  return `about ${number(Math.round((share * users) / 100))} of ${number(users)} users`;
}
