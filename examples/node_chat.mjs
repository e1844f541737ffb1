// The Node client: an answer printed piece by piece. Run: node examples/node_chat.mjs
import OpenAI from "openai";

const client = new OpenAI(); // reads OPENAI_BASE_URL and OPENAI_API_KEY

const stream = await client.chat.completions.create({
  model: process.env.MODEL ?? "chat",
  messages: [{ role: "user", content: "Tell me a short story about a lighthouse." }],
  max_tokens: 60,
  stream: true,
});
for await (const chunk of stream) {
  process.stdout.write(chunk.choices[0]?.delta?.content ?? "");
}
process.stdout.write("\n");
