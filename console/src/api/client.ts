/** Requests to the service, with the types of docs/openapi.json. */
import createClient, { type Middleware } from "openapi-fetch";

import { isOpen, signedIn, token } from "../session";
import { withIdsAsNumbers, withLongIdsAsText } from "./exact";
import { NOT_REACHED, Problem } from "./problem";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

/** The address before /console. A deployment may be below a path of its own. */
export const BASE = location.pathname.replace(/\/console\/?$/, "");

const PUBLIC = /\/auth\/sign-in$/;

/** A write carries a key, so that the service executes it once however often the network makes the page send it. */
const once: Middleware = {
  onRequest({ request }) {
    if (["POST", "PATCH"].includes(request.method)) request.headers.set("Idempotency-Key", newKey());
    return request;
  },
  async onResponse({ response }) {
    const isJson = response.headers.get("content-type")?.includes("json");
    return isJson ? new Response(withLongIdsAsText(await response.text()), response) : undefined;
  },
};

export const api = createClient<paths>({ baseUrl: BASE, fetch: send, bodySerializer: withIdsAsNumbers });
api.use(once);

/** Send a request with the token. After a 401, ask for a sign-in and send it again, so that nothing typed is lost. */
export async function send(request: Request): Promise<Response> {
  const sent = token.value;
  const copy = request.clone();
  if (sent) copy.headers.set("Authorization", `Bearer ${sent}`);
  // the browser asks whether what it has is current: after a write, an answer that it may keep is old
  const response = await fetch(copy, { cache: "no-cache" }).catch(() => {
    throw NOT_REACHED;
  });
  if (PUBLIC.test(new URL(request.url).pathname)) return response;
  if (response.status !== 401) {
    if (!sent && response.ok) isOpen.value = true;
    return response;
  }
  if (token.value === sent) await signedIn();
  return send(request);
}

interface Answer<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

/** Return the answer of a request. Throws the Problem of an error. */
export async function answer<Data>(request: Promise<Answer<Data>>): Promise<NonNullable<Data>> {
  const { data, error, response } = await request;
  if (response.ok) return data as NonNullable<Data>;
  const known = typeof error === "object" && error !== null ? error : { detail: `The service answered ${response.status}.` };
  throw new Problem(response.status, known, response.headers);
}

function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(16).padStart(8, "0")).join("");
}
