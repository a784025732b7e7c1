/** What a row of the list shows of a segment's past and future. It is loaded when the row is in sight. */
import { useQuery } from "@tanstack/preact-query";
import pLimit from "p-limit";
import { useEffect, useRef, useState } from "preact/hooks";

import { answer, api } from "../../api/client";
import { scheduleOf } from "../../api/schedule";
import { number, percent, utc } from "../../format";
import { Sparkline } from "../../parts/chart";

const FRESH_MS = 300_000;
/** The requests at once. A long list must not keep the service from other callers. */
const atOnce = pLimit(3);

export function SizeOfMonth({ slug }: { slug: string }) {
  const [cell, isSeen] = useSeen();
  const query = useQuery({
    queryKey: ["size of month", slug],
    queryFn: () => atOnce(() => answer(api.GET("/segment/{slug}/size", { params: { path: { slug } } }))),
    enabled: isSeen,
    staleTime: FRESH_MS,
  });
  const sizes = query.data?.days.map((day) => day.members) ?? [];
  return (
    <div ref={cell} class="glance">
      {sizes.length > 0 && (
        <Sparkline values={sizes} label={`From ${number(sizes[0])} to ${number(sizes[sizes.length - 1])} members in 30 days`} />
      )}
    </div>
  );
}

export function NextStep({ slug }: { slug: string }) {
  const [cell, isSeen] = useSeen();
  const query = useQuery({
    queryKey: ["schedule", slug],
    queryFn: () => atOnce(() => scheduleOf(slug)),
    enabled: isSeen,
    staleTime: FRESH_MS,
  });
  const next = query.data?.steps.find((step) => step.status === "pending");
  return (
    <div ref={cell} class="glance">
      {next ? (
        <>
          {percent(next.user_percent)} <small>{utc(next.at)}</small>
        </>
      ) : (
        query.isSuccess && "–"
      )}
    </div>
  );
}

/** Return a reference, and whether its element has been in sight. */
function useSeen() {
  const element = useRef<HTMLDivElement>(null);
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => entry.isIntersecting && setSeen(true), { rootMargin: "200px" });
    if (element.current) observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return [element, isSeen] as const;
}
