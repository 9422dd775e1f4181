// Builds the plugin into vaultbot/plugin, where `vaultbot plugin install` takes it from. With --watch again at every change.
import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile } from "node:fs/promises";
import { builtinModules } from "node:module";
import esbuild from "esbuild";

const OUT = "../vaultbot/plugin";

/** Of all that the bundle is made from: a test compares it with the sources, also where there is no Node. */
async function sourceHash() {
  const sources = (await readdir("src", { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.replaceAll("\\", "/"));
  const hash = createHash("sha256");
  for (const file of [...sources, "esbuild.config.mjs", "package-lock.json"].sort()) {
    hash.update(`${file}\n`).update(await readFile(file));
  }
  return hash.digest("hex");
}

const options = {
  entryPoints: ["src/main.ts"],
  outfile: `${OUT}/main.js`,
  bundle: true,
  format: "cjs",
  target: "es2018",
  platform: "browser",
  external: ["obsidian", "electron", "@codemirror/*", "@lezer/*", ...builtinModules],
  // Not minified: whoever installs it can read it.
  minify: false,
  charset: "utf8",
  legalComments: "inline",
  banner: { js: `/* The companion plugin of vaultbot, built from obsidian-plugin/. MIT licence.\n   sources: ${await sourceHash()} */` },
};

await mkdir(OUT, { recursive: true });
await copyFile("manifest.json", `${OUT}/manifest.json`);
await copyFile("styles.css", `${OUT}/styles.css`);
if (process.argv.includes("--watch")) await (await esbuild.context(options)).watch();
else await esbuild.build(options);
