// The real Node client against a server: prints what it saw as one JSON object. Usage: node client.mjs BASE_URL ENDPOINT
import OpenAI from "openai";

const [baseURL, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: "any", maxRetries: 0 });
const messages = [{ role: "user", content: "one two three" }];
const seen = {};

seen.models = [];
for await (const entry of client.models.list()) seen.models.push(entry.id);

const whole = await client.chat.completions.create({ model, messages });
seen.whole = whole.choices[0].message.content;
seen.finish = whole.choices[0].finish_reason;
seen.usage = whole.usage;
seen.requestId = whole._request_id;

seen.streamed = "";
const stream = await client.chat.completions.create({ model, messages, stream: true, stream_options: { include_usage: true } });
for await (const chunk of stream) {
  seen.streamed += chunk.choices[0]?.delta?.content ?? "";
  if (chunk.usage) seen.streamUsage = chunk.usage;
}

try {
  await client.chat.completions.create({ model: "nobody", messages });
} catch (error) {
  seen.unknown = { status: error.status, code: error.code, param: error.param, name: error.constructor.name };
}
try {
  await client.chat.completions.create({ model, messages, n: 0 });
} catch (error) {
  seen.refused = { status: error.status, param: error.param, name: error.constructor.name };
}

// Leaving in the middle of a stream.
const left = await client.chat.completions.create({
  model, stream: true, messages: [{ role: "system", content: "tokens=100000 tps=50" }, ...messages],
});
for await (const _ of left) break;

console.log(JSON.stringify(seen));
