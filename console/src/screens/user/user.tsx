/** One user, in parts with an address each. */
import { Link } from "wouter-preact";

import { Empty } from "../../parts/loaded";
import { Screen, Tabs } from "../../parts/screen";
import { may } from "../../session";
import { Data } from "./data";
import { History } from "./history";
import { Now } from "./now";

export function UserScreen({ id, part = "" }: { id: string; part?: string }) {
  const address = `/users/${id}`;
  const tabs = [
    { to: address, text: "Segments" },
    { to: `${address}/history`, text: "History" },
    ...(may("admin") ? [{ to: `${address}/data`, text: "Export and erase" }] : []),
  ];
  const Part = { history: History, data: Data }[part] ?? Now;
  return (
    <Screen title={`User ${id}`} above={<Link href="/users">Users</Link>}>
      {/^[1-9]\d{0,18}$/.test(id) ? (
        <>
          <Tabs label={`Parts of user ${id}`} tabs={tabs} />
          <Part id={id} />
        </>
      ) : (
        <Empty title="This is not a user id.">An id has digits only, as in 1000.</Empty>
      )}
    </Screen>
  );
}
