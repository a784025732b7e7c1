/** Sign in: a screen of its own, and a dialog above the screen whose token has expired. */
import { useMutation } from "@tanstack/preact-query";
import { useState } from "preact/hooks";
import { Redirect } from "wouter-preact";

import { answer, api } from "../api/client";
import { Dialog } from "../parts/dialog";
import { Form, Text } from "../parts/form";
import { Screen } from "../parts/screen";
import { asking, caller, isOpen, signIn } from "../session";

export function SignInScreen() {
  if (isOpen.value || caller.value) return <Redirect to="/segments" replace />;
  if (asking.value) return null; // the dialog is above this screen
  return (
    <Screen title="Sign in">
      <div class="narrow">
        <SignInForm />
      </div>
    </Screen>
  );
}

export function SignInDialog() {
  if (asking.value === null) return null;
  return (
    <Dialog title="Sign in">
      {asking.value === "again" && <p>The session has ended. Sign in again: the page then continues where you are.</p>}
      <SignInForm />
    </Dialog>
  );
}

function SignInForm() {
  const [username, setUsername] = useState(caller.value?.subject ?? "");
  const [password, setPassword] = useState("");
  const [token, setToken] = useState("");
  const attempt = useMutation({
    mutationFn: () => answer(api.POST("/auth/sign-in", { body: { username, password } })),
    onSuccess: (issued) => signIn(issued.token),
  });
  return (
    <>
      <Form
        label="Sign in"
        submit="Sign in"
        busy={attempt.isPending}
        error={attempt.error}
        fields={["username", "password"]}
        onSubmit={() => attempt.mutate()}
      >
        <Text label="Username" name="username" value={username} onChange={setUsername} error={attempt.error} autocomplete="username" />
        <Text
          label="Password"
          name="password"
          type="password"
          value={password}
          onChange={setPassword}
          error={attempt.error}
          autocomplete="current-password"
        />
      </Form>
      <details>
        <summary>Use a token of your company's provider</summary>
        <Form label="Use a token" submit="Use the token" busy={false} fields={[]} disabled={!token.trim()} onSubmit={() => signIn(token.trim())}>
          <Text label="Token" name="token" value={token} onChange={setToken} hint="The text that begins with eyJ." />
        </Form>
      </details>
    </>
  );
}
