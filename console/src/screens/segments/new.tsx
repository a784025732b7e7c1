import { useMutation } from "@tanstack/preact-query";
import { Link, useLocation } from "wouter-preact";

import { answer, api } from "../../api/client";
import { discard, draft } from "../../drafts";
import { number } from "../../format";
import { Comment, Form, Text } from "../../parts/form";
import { say } from "../../parts/notice";
import { Screen } from "../../parts/screen";
import { Effect, toPercent } from "../segment/effect";

const NOTHING = { slug: "", user_percent: "", description: "", owner: "", comment: "" };
const FIELDS = Object.keys(NOTHING);

export function NewSegmentScreen() {
  const [, go] = useLocation();
  const form = draft("new segment", NOTHING);
  const set = (name: keyof typeof NOTHING) => (value: string) => {
    form.value = { ...form.value, [name]: value };
  };
  const { slug, user_percent, description, owner, comment } = form.value;
  const creation = useMutation({
    mutationFn: () =>
      answer(
        api.POST("/segment", {
          body: {
            slug: slug.trim(),
            ...(user_percent.trim() ? { user_percent: toPercent(user_percent) as number } : {}),
            description: description || null,
            owner: owner || null,
            comment: comment || null,
          },
        }),
      ),
    onSuccess: (created) => {
      discard(form, NOTHING);
      say("job_id" in created ? `${created.slug} is created. A job adds its users.` : `${created.slug} is created with ${number(created.users_added)} users.`);
      go(`/segments/${encodeURIComponent(created.slug)}`);
    },
  });
  const { error } = creation;
  return (
    <Screen title="New segment" above={<Link href="/segments">Segments</Link>}>
      <div class="narrow">
        <Form
          label="New segment"
          submit="Create the segment"
          busy={creation.isPending}
          error={error}
          fields={FIELDS}
          onSubmit={() => creation.mutate()}
          extra={
            <Link href="/segments" role="button" class="secondary outline">
              Cancel
            </Link>
          }
        >
          <Text
            label="Slug"
            name="slug"
            value={slug}
            onChange={set("slug")}
            error={error}
            hint="Letters, digits, and _ . - as in AVITO_DISCOUNT_30. Upper and lower case differ."
          />
          <Text
            label="Percent of users"
            name="user_percent"
            value={user_percent}
            onChange={set("user_percent")}
            error={error}
            hint={user_percent.trim() ? <Effect from={null} to={toPercent(user_percent)} /> : "Empty: users enter by request only."}
          />
          <Text label="Description" name="description" rows={2} value={description} onChange={set("description")} error={error} />
          <Text label="Owner" name="owner" value={owner} onChange={set("owner")} error={error} hint="The person or team that answers for it." />
          <Comment value={comment} onChange={set("comment")} error={error} />
        </Form>
      </div>
    </Screen>
  );
}
