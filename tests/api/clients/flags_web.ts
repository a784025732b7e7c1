// A program with OpenFeature's stock client for browsers. It reads all flags, then polls until the flag is on.
// It prints both values, and the statuses of the requests.
import { OFREPWebProvider } from "@openfeature/ofrep-web-provider";
import { OpenFeature, ProviderEvents } from "@openfeature/web-sdk";

const [baseUrl, key, user] = process.argv.slice(2) as [string, string, string];
const statuses: number[] = [];

async function add() {
  const body = JSON.stringify({ user_id: Number(user), add_segments: [key] });
  await fetch(`${baseUrl}/segment/user`, { method: "POST", body });
}

async function watched(input: RequestInfo | URL, options?: RequestInit) {
  const answer = await fetch(input, options);
  statuses.push(answer.status);
  if (statuses.length === 3) await add();
  return answer;
}

const provider = new OFREPWebProvider({ baseUrl, pollInterval: 200, cacheMode: "disabled", fetchImplementation: watched });
await OpenFeature.setContext({ targetingKey: user });
await OpenFeature.setProviderAndWait(provider);
const client = OpenFeature.getClient();
const first = client.getBooleanDetails(key, false);
const changed = new Promise((resolve) => client.addHandler(ProviderEvents.ConfigurationChanged, resolve));
await changed;
const then = client.getBooleanDetails(key, false);
const unknown = client.getBooleanDetails("NOT_THERE", false);
await OpenFeature.close();
console.log(
  JSON.stringify({
    first: [first.value, first.reason, first.flagMetadata],
    then: [then.value, then.variant, then.flagMetadata],
    unknown: unknown.errorCode,
    statuses: statuses.slice(0, 4),
  }),
);
