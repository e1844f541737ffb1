// The helpers of the Node client: stream(), parse() with Zod, runTools(). Prints what they saw. Usage: node helpers.mjs BASE_URL ENDPOINT
import OpenAI from "openai";
import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

const [baseURL, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: "any", maxRetries: 0 });
const City = z.object({ city: z.string() });
const words = [{ role: "user", content: "one two three" }];
const city = [{ role: "user", content: '{"city": "Paris"}' }];
const seen = {};

const stream = client.chat.completions.stream({ model, messages: words });
seen.streamed = await stream.finalContent();

const calls = client.chat.completions.stream({ model, messages: city, tools: [zodFunction({ name: "get_weather", parameters: City })], tool_choice: "required" });
const call = (await calls.finalChatCompletion()).choices[0].message.tool_calls[0].function;
seen.call = { name: call.name, arguments: call.arguments };

const parsed = await client.chat.completions.parse({ model, messages: city, response_format: zodResponseFormat(City, "city") });
seen.parsed = parsed.choices[0].message.parsed;

// The first turn calls, the second answers with the tool's result.
seen.ran = { asked: [] };
const runner = client.chat.completions.runTools({
  model,
  messages: [{ role: "system", content: "call_tool" }, ...city],
  tools: [zodFunction({
    name: "get_weather",
    parameters: City,
    function: async (given) => {
      seen.ran.asked.push(given);
      runner.messages[0].content = "";  // the echo engine would call for ever
      return `sunny in ${given.city}`;
    },
  })],
});
seen.ran.answer = await runner.finalContent();

console.log(JSON.stringify(seen));
