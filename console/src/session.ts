/** Who works in this tab: the token, and the role that it allows. */
import { computed, signal } from "@preact/signals";

export type Role = "reader" | "editor" | "admin";

interface Claims {
  subject: string;
  role: Role;
}

const KEY = "segmentation.token";
const ROLES: Role[] = ["reader", "editor", "admin"];

export const token = signal<string | null>(sessionStorage.getItem(KEY));
/** Whether the service answers requests without a token, as a plain local run does. */
export const isOpen = signal(false);
/** Why the page asks for a sign-in, or null if it does not. */
export const asking = signal<"first" | "again" | null>(null);
export const caller = computed<Claims | null>(() => (token.value ? claimsOf(token.value) : null));

let waiting: (() => void)[] = [];

/** Return whether the role of the caller includes another one. The service decides; the page only hides buttons. */
export function may(needed: Role): boolean {
  const role = isOpen.value ? "admin" : caller.value?.role;
  return role !== undefined && ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

/** Ask for a sign-in, and wait for it. Requests that met a 401 continue afterwards. */
export function signedIn(): Promise<void> {
  asking.value ??= token.value ? "again" : "first";
  return new Promise((resolve) => waiting.push(resolve));
}

export function signIn(issued: string): void {
  token.value = issued;
  sessionStorage.setItem(KEY, issued);
  asking.value = null;
  const resolves = waiting;
  waiting = [];
  for (const resolve of resolves) resolve();
}

/** Forget the token and everything that was typed in. */
export function signOut(): void {
  sessionStorage.clear();
  location.reload();
}

/** Read the claims of a token, without a check: the service checks them with each request. */
function claimsOf(text: string): Claims {
  try {
    const payload = text.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const claims = JSON.parse(atob(payload)) as Record<string, unknown>;
    return { subject: String(claims.sub ?? ""), role: roleIn(claims) };
  } catch {
    return { subject: "", role: "admin" };
  }
}

/** Return the role of our own tokens, or the highest one that a provider's token names in any claim. */
function roleIn(claims: Record<string, unknown>): Role {
  const named = JSON.stringify(claims.role ?? claims);
  return ROLES.findLast((role) => named.includes(`"${role}"`)) ?? "admin";
}
