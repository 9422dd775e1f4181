// What qmd finds (https://github.com/tobi/qmd), for `python -m bench.retrieval --ranked qmd=FILE`; see bench/README.md.
//
//     node bench/qmd.mjs FOLDER-OF-A-SET > FILE      in a folder where qmd was installed with npm
//
// Words and meaning, joined by qmd itself, without the two language models that it rewrites questions and reranks with.
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const { createStore } = await import(pathToFileURL(resolve("node_modules/@tobilu/qmd/dist/index.js")));
const set = process.argv[2];
const store = await createStore({
  dbPath: join(mkdtempSync(join(tmpdir(), "qmd-")), "index.sqlite"),
  config: { collections: { vault: { path: join(set, "vault"), pattern: "**/*.md" } } },
});
await store.update();
let left;
do {
  left = (await store.embed({})).chunksEmbedded; // It ends by itself after half an hour, and goes on from there.
} while (left);
for (const line of readFileSync(join(set, "questions.jsonl"), "utf8").split("\n").filter(Boolean)) {
  const { query } = JSON.parse(line);
  const asked = query.replaceAll("\n", " ");
  const queries = [{ type: "lex", query: asked }, { type: "vec", query: asked }];
  let found = [];
  try {
    found = await store.search({ queries, rerank: false, limit: 30 });
  } catch (error) {
    console.error(`${asked}: ${error}`);
  }
  console.log(JSON.stringify({ query, paths: found.map((hit) => hit.displayPath.replace(/^vault\//, "")) }));
}
await store.close();
process.exit(0);
