// A program with the generated client: add a user to a segment, and print the id of its member.
import createClient from "openapi-fetch";
import process from "node:process";
import type { paths } from "./schema.d.ts";

const [url, slug, user] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: url });

function answered<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

answered(await client.POST("/segment", { body: { slug } }));
answered(await client.POST("/segment/user", { body: { user_id: Number(user), add_segments: [slug] } }));
answered(await client.GET("/user/{user_id}/history", { params: { path: { user_id: Number(user) } } }));
const { users } = answered(await client.GET("/segment/{slug}/users", { params: { path: { slug } } }));
console.log(users[0].user_id);
