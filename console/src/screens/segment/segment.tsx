/** One segment, in parts with an address each. */
import { useQuery } from "@tanstack/preact-query";
import { Link } from "wouter-preact";

import { type Schemas, answer, api } from "../../api/client";
import { Loaded } from "../../parts/loaded";
import { Screen, Tabs } from "../../parts/screen";
import { may } from "../../session";
import { Import } from "./import";
import { Log } from "./log";
import { Members } from "./members";
import { Overview } from "./overview";
import { Schedule } from "./schedule";
import { Settings } from "./settings";

export type Segment = Schemas["SegmentWithMembers"];

const PARTS: Record<string, { text: string; part: (props: { segment: Segment }) => preact.JSX.Element; role: "reader" | "editor" }> = {
  "": { text: "Overview", part: Overview, role: "reader" },
  members: { text: "Members", part: Members, role: "reader" },
  schedule: { text: "Schedule", part: Schedule, role: "reader" },
  log: { text: "Change log", part: Log, role: "reader" },
  import: { text: "Import", part: Import, role: "editor" },
  settings: { text: "Settings and export", part: Settings, role: "reader" },
};

export function useSegment(slug: string) {
  return useQuery({
    queryKey: ["segment", slug],
    queryFn: () => answer(api.GET("/segment/{slug}", { params: { path: { slug } } })),
  });
}

export function SegmentScreen({ slug, part = "" }: { slug: string; part?: string }) {
  const query = useSegment(slug);
  const address = `/segments/${encodeURIComponent(slug)}`;
  const tabs = Object.entries(PARTS)
    .filter(([, { role }]) => may(role))
    .map(([name, { text }]) => ({ to: name ? `${address}/${name}` : address, text }));
  const Part = (PARTS[part] ?? PARTS[""]).part;
  return (
    <Screen title={slug} above={<Link href="/segments">Segments</Link>}>
      <Loaded query={query}>
        {(segment) => (
          <>
            {segment.description && <p class="description">{segment.description}</p>}
            <Tabs label={`Parts of ${slug}`} tabs={tabs} />
            <Part segment={segment} />
          </>
        )}
      </Loaded>
    </Screen>
  );
}
