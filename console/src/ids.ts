/** User ids in a pasted text. */
import { userId } from "./api/exact";
import { Problem } from "./api/problem";

const MOST = 10_000;

/** Return the ids of a text: one a line, or between commas, semicolons and blanks. Each id is kept once. */
export function idsIn(text: string): string[] {
  return [...new Set(text.split(/[\s,;]+/).filter(Boolean))];
}

/** Return the ids for a request. Throws the Problem of a text that the service would refuse. */
export function requireIds(text: string, name: string): number[] {
  const ids = idsIn(text);
  const wrong = ids.find((id) => !/^[1-9]\d{0,18}$/.test(id));
  if (wrong) throw refused(name, `“${wrong}” is not a user id: an id has digits only.`);
  if (!ids.length) throw refused(name, "Enter at least one user id.");
  if (ids.length > MOST) throw refused(name, `${ids.length} ids are too many at once. Import a file instead.`);
  return ids.map(userId);
}

function refused(name: string, message: string): Problem {
  return new Problem(422, { detail: "Correct the marked fields.", errors: [{ location: `body.${name}`, message }] });
}
