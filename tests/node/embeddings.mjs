// Embeddings by the Node client, which asks for base64 unless it is told otherwise. Usage: node embeddings.mjs BASE_URL ENDPOINT
import OpenAI from "openai";

const [baseURL, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: "any", maxRetries: 0 });
const input = ["one two", "three"];
const packed = await client.embeddings.create({ model, input });
const plain = await client.embeddings.create({ model, input, encoding_format: "float" });
const digits = (answer) => answer.data.map((item) => item.embedding.map((value) => value.toFixed(6)));
console.log(JSON.stringify({ packed: digits(packed), plain: digits(plain), count: packed.data.length }));
