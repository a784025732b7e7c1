/** Members now and over time, the percent, and the question whether a user is in. */
import { When } from "../../parts/when";
import { number, percent } from "../../format";
import { Card, Figures } from "../../parts/screen";
import { Why } from "../why";
import { PercentForm } from "./percent";
import type { Segment } from "./segment";
import { SizeChart } from "./size";
import { may } from "../../session";

export function Overview({ segment }: { segment: Segment }) {
  return (
    <>
      <Figures
        figures={[
          ["Members now", number(segment.members)],
          ["Percent", percent(segment.user_percent)],
          ["Owner", segment.owner ?? "none"],
          ["Created", <When key="created" at={segment.created_at} />],
        ]}
      />
      <Card title="Members over time" wide>
        <SizeChart slug={segment.slug} />
      </Card>
      <div class="cards">
        <Card title="Is a user in it?">
          <Why slug={segment.slug} />
        </Card>
        {may("editor") && (
          <Card title="Percent of users">
            <PercentForm segment={segment} />
          </Card>
        )}
      </div>
    </>
  );
}
