/** The personal data of a user: the file for a request of access, and the deletion. For admins. */
import { useMutation } from "@tanstack/preact-query";
import { useState } from "preact/hooks";

import { answer, api } from "../../api/client";
import { userId } from "../../api/exact";
import { number, plural } from "../../format";
import { Form, Text } from "../../parts/form";
import { ProblemNotice, say } from "../../parts/notice";
import { Card } from "../../parts/screen";

export function Data({ id }: { id: string }) {
  return (
    <div class="cards">
      <Card title="Export">
        <Export id={id} />
      </Card>
      <Card title="Delete or erase">
        <Deletion id={id} />
      </Card>
    </div>
  );
}

function Export({ id }: { id: string }) {
  const order = useMutation({
    mutationFn: () => answer(api.GET("/user/{user_id}/export", { params: { path: { user_id: userId(id) } } })),
  });
  return (
    <>
      <p>One file with everything that is kept of the user.</p>
      <ProblemNotice error={order.error} />
      {order.data && (
        <p role="status">
          <a href={order.data.report_link} download>
            Download the file
          </a>{" "}
          <small>{number(order.data.rows)} lines</small>
        </p>
      )}
      <button type="button" aria-busy={order.isPending} onClick={() => order.mutate()}>
        Make the file
      </button>
    </>
  );
}

function Deletion({ id }: { id: string }) {
  const [typed, setTyped] = useState("");
  const [erase, setErase] = useState(false);
  const deletion = useMutation({
    mutationFn: () =>
      answer(api.DELETE("/user/{user_id}", { params: { path: { user_id: userId(id) }, query: erase ? { erase } : {} } })),
    onSuccess: ({ segments_deleted }) => {
      setTyped("");
      say(`User ${id} is ${erase ? "erased" : "deleted"}. ${plural(segments_deleted, "membership")} ended.`);
    },
  });
  return (
    <Form
      label="Delete the user"
      submit={erase ? "Erase the user" : "Delete the user"}
      danger
      busy={deletion.isPending}
      error={deletion.error}
      fields={[]}
      disabled={typed !== id}
      onSubmit={() => deletion.mutate()}
    >
      <p>The user leaves every segment. This cannot be undone.</p>
      <label>
        <input type="checkbox" checked={erase} onChange={(event) => setErase(event.currentTarget.checked)} />
        Erase the history too (a request to erase personal data)
      </label>
      <Text label={`Type ${id} to confirm`} name="user_id" value={typed} onChange={setTyped} />
    </Form>
  );
}
