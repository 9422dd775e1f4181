/** The page: Obsidian's window as far as the plugin sees it, with the built plugin in it. */

import { Disk } from "../shim/disk";
import { installDom } from "../shim/dom";
import * as obsidian from "../shim/obsidian";

/** The real vault's folder, behind the page's own server. */
const disk: Disk = {
  list: async () => (await (await fetch("/disk")).json()) as string[],
  read: async (path) => {
    const answer = await fetch(`/disk/${encodeURIComponent(path)}`);
    if (!answer.ok) throw new Error(`no file ${path}`);
    return new Uint8Array(await answer.arrayBuffer());
  },
  write: async (path, bytes) => {
    await fetch(`/disk/${encodeURIComponent(path)}`, { method: "PUT", body: bytes as Uint8Array<ArrayBuffer> });
  },
  remove: async (path) => {
    await fetch(`/disk/${encodeURIComponent(path)}`, { method: "DELETE" });
  },
};

interface Given {
  vault: string;
  settings: unknown;
}

/** As Obsidian loads a plugin: CommonJS, with its API under the name "obsidian". */
async function loadPlugin(app: obsidian.App, settings: unknown): Promise<obsidian.Plugin> {
  const [code, manifest] = await Promise.all([fetch("/plugin/main.js"), fetch("/plugin/manifest.json")]);
  const module = { exports: {} as { default?: new (app: obsidian.App, manifest: unknown) => obsidian.Plugin } };
  const load = new Function("module", "exports", "require", await code.text()) as (...given: unknown[]) => void;
  load(module, module.exports, (name: string) => {
    if (name !== "obsidian") throw new Error(`the plugin requires ${name}`);
    return obsidian;
  });
  const Made = module.exports.default;
  if (!Made) throw new Error("no plugin");
  const plugin = new Made(app, await manifest.json());
  plugin.stored = settings;
  return plugin;
}

async function start(): Promise<void> {
  installDom(window);
  const { vault, settings } = (await (await fetch("/given")).json()) as Given;
  const el = (id: string): HTMLElement => document.getElementById(id) as HTMLElement;
  const app = new obsidian.App(vault, disk, { main: el("main"), side: el("side"), status: el("status") });
  await app.vault.scan();
  // What Obsidian's main process does for a plugin: no page, no origin.
  obsidian.machine.requestUrl = async (sent) => {
    const answer = await fetch("/request-url", { method: "POST", body: JSON.stringify(sent) });
    const received = (await answer.json()) as { status: number; text: string; error?: string };
    if (received.error !== undefined) throw new Error(received.error);
    return received;
  };
  obsidian.machine.readLocalFile = async (path) => {
    const answer = await fetch(`/local/${encodeURIComponent(path)}`);
    if (!answer.ok) throw new Error(`ENOENT: ${path}`);
    return answer.arrayBuffer();
  };
  const plugin = await loadPlugin(app, settings);
  plugin.load();
  Object.assign(window, { app, plugin, notices: obsidian.machine.notices });
}

void start();
