/**
 * User ids have up to 19 digits, more than a number of JavaScript has. An id that is too long for it stays a text here.
 * A quote inside a JSON string has a backslash, so these patterns find members only.
 */
const LONG_ID = /"user_id":\s*(\d{16,})/g;
const ID_TEXT = /"user_id":"(\d+)"/g;
const ID_TEXTS = /"(add_users|delete_users|user_ids)":\[([^\]]*)\]/g;

/** An id as the page keeps it. The types of the contract call it a number. */
export function userId(text: string): number {
  return text as unknown as number;
}

export function withLongIdsAsText(json: string): string {
  return json.replace(LONG_ID, '"user_id":"$1"');
}

export function withIdsAsNumbers(body: unknown): string {
  return JSON.stringify(body)
    .replace(ID_TEXT, '"user_id":$1')
    .replace(ID_TEXTS, (_, name: string, ids: string) => `"${name}":[${ids.replaceAll('"', "")}]`);
}
