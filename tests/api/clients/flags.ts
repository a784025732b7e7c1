// A program with OpenFeature's stock client for servers: print what it reads of flags, and of errors.
import { OFREPProvider } from "@openfeature/ofrep-provider";
import { OpenFeature } from "@openfeature/server-sdk";

const [baseUrl, ...questions] = process.argv.slice(2) as [string, ...string[]];
await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl }));

async function answer(question: string) {
  const [key, user] = question.split("=") as [string, string?];
  const context = { plan: "premium", ...(user && { targetingKey: user }) };
  const found = await OpenFeature.getClient().getBooleanDetails(key, false, context);
  const { value, variant = null, reason, flagMetadata, errorCode = null } = found;
  return { value, variant, reason, metadata: flagMetadata, error: errorCode };
}

const answers = [];
for (const question of questions) answers.push(await answer(question));
console.log(JSON.stringify(answers));
