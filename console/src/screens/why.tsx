/** Why a user is in a segment or not, as a sentence to copy. */
import { useQuery } from "@tanstack/preact-query";
import { useState } from "preact/hooks";

import { answer, api } from "../api/client";
import { userId } from "../api/exact";
import { fromField } from "../format";
import { Form, Moment, Text } from "../parts/form";
import { say } from "../parts/notice";

interface Question {
  user: string;
  slug: string;
  at: string | null;
}

/** Ask with the user, the segment, or both filled in. */
export function Why({ user: givenUser, slug: givenSlug }: { user?: string; slug?: string }) {
  const [user, setUser] = useState(givenUser ?? "");
  const [slug, setSlug] = useState(givenSlug ?? "");
  const [moment, setMoment] = useState("");
  const [asked, setAsked] = useState<Question | null>(null);
  const query = useExplanation(asked);
  const ask = () => setAsked({ user: user.trim(), slug: slug.trim(), at: moment ? fromField(moment) : null });
  return (
    <>
      <Form
        label="Why or why not"
        submit="Explain"
        busy={query.isFetching}
        error={query.error}
        fields={["user_id", "slug", "at"]}
        disabled={!user.trim() || !slug.trim()}
        onSubmit={ask}
      >
        {givenUser === undefined && <Text label="User id" name="user_id" value={user} onChange={setUser} error={query.error} />}
        {givenSlug === undefined && <Text label="Segment" name="slug" value={slug} onChange={setSlug} error={query.error} list="slugs" />}
        <Moment label="At, or empty for now" name="at" value={moment} onChange={setMoment} error={query.error} max={new Date()} />
      </Form>
      {query.data && <Sentence member={query.data.member} text={query.data.explanation} />}
    </>
  );
}

function useExplanation(asked: Question | null) {
  return useQuery({
    queryKey: ["why", asked],
    queryFn: () => {
      const { user, slug, at } = asked as Question;
      return answer(
        api.GET("/segment/user/{user_id}/{slug}", {
          params: { path: { user_id: userId(user), slug }, query: at ? { at } : {} },
        }),
      );
    },
    enabled: asked !== null,
  });
}

function Sentence({ member, text }: { member: boolean; text: string }) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      say("The sentence is copied.");
    } catch {
      say("The browser does not permit that. Select the sentence and copy it."); // an address without TLS, for example
    }
  };
  return (
    <figure class="sentence" role="status">
      <blockquote>
        <span class={`badge ${member ? "succeeded" : "outside"}`}>{member ? "member" : "not a member"}</span> {text}
      </blockquote>
      <button type="button" class="secondary outline small" onClick={() => void copy()}>
        Copy the sentence
      </button>
    </figure>
  );
}
