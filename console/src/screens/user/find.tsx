/** The way to a user: its id. */
import { signal } from "@preact/signals";
import { useLocation } from "wouter-preact";

import { requireIds } from "../../ids";
import { Form, Text } from "../../parts/form";
import { Empty } from "../../parts/loaded";
import { Screen } from "../../parts/screen";

const typed = signal("");
const error = signal<unknown>(null);

export function FindUserScreen() {
  const [, go] = useLocation();
  const open = () => {
    try {
      const [id] = requireIds(typed.value, "user_id");
      error.value = null;
      go(`/users/${id}`);
    } catch (refused) {
      error.value = refused;
    }
  };
  return (
    <Screen title="Users">
      <div class="narrow">
        <Form label="Find a user" submit="Show the user" busy={false} error={error.value} fields={["user_id"]} onSubmit={open}>
          <Text
            label="User id"
            name="user_id"
            value={typed.value}
            error={error.value}
            onChange={(value) => {
              typed.value = value;
            }}
          />
        </Form>
        <Empty title="A user has no name here.">The ids are those of your own systems. A user appears with the first segment that it enters.</Empty>
      </div>
    </Screen>
  );
}
