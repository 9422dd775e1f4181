// Asks a daemon with the libraries that Obsidian plugins are built on, and prints what came back as one line of JSON.
import OpenAI from "openai";
import { Ollama } from "ollama";

const [address, token, question = "Was kostet ein Käsebrötchen?"] = process.argv.slice(2);
const messages = [{ role: "user", content: question }];
const openai = new OpenAI({ baseURL: `${address}/v1`, apiKey: token, maxRetries: 0 });
const ollama = new Ollama({ host: address });

const models = (await openai.models.list()).data.map((model) => model.id);
const whole = await openai.chat.completions.create({ model: "vaultbot", messages });
const streamed = [];
let last;
for await (const chunk of await openai.chat.completions.create({ model: "vaultbot", messages, stream: true })) {
  streamed.push(chunk.choices[0].delta.content);
  last = chunk;
}
const counted = [];
for await (const chunk of await openai.chat.completions.create({
  model: "vaultbot",
  messages,
  stream: true,
  stream_options: { include_usage: true },
})) {
  if (chunk.usage) counted.push(chunk.choices.length);
}
const packed = await openai.embeddings.create({ model: "vaultbot-embed", input: ["Brot"] });
const plain = await openai.embeddings.create({ model: "vaultbot-embed", input: ["Brot"], encoding_format: "float" });
const refused = await openai.chat.completions
  .create({ model: "vaultbot", messages, tool_choice: "required", tools: [] })
  .catch((error) => ({ status: error.status, code: error.code, message: error.message }));
const wrong = await new OpenAI({ baseURL: `${address}/v1`, apiKey: "placeholder-key", maxRetries: 0 }).models
  .list()
  .catch((error) => ({ status: error.status, code: error.code, name: error.constructor.name }));

const lines = [];
for await (const line of await ollama.chat({ model: "vaultbot", messages, stream: true })) lines.push(line);

console.log(
  JSON.stringify({
    models,
    whole: whole.choices[0].message.content,
    citations: whole.vaultbot.citations.length,
    streamed: streamed.join(""),
    finish: last.choices[0].finish_reason,
    counted,
    sameVectors: JSON.stringify(packed.data[0].embedding) === JSON.stringify(plain.data[0].embedding),
    dimensions: plain.data[0].embedding.length,
    refused,
    wrong,
    tags: (await ollama.list()).models.map((model) => model.name),
    capabilities: (await ollama.show({ model: "vaultbot-embed" })).capabilities,
    ollama: lines.map((line) => line.message.content).join(""),
    done: lines.map((line) => line.done),
    embeddings: (await ollama.embed({ model: "vaultbot-embed", input: ["Brot"] })).embeddings[0].length,
  }),
);
