/** A person's machine: a vault, the real daemon, a browser's page on another origin, and a listener that nobody should reach. */

import { ChildProcess, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, IncomingMessage, request, Server } from "node:http";
import { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
export const REPOSITORY = join(HERE, "../../..");
const PYTHON = process.env.PYTHON ?? join(REPOSITORY, ".venv/bin/python");

export interface Wanted {
  /** Notes beside or in place of the garden's. */
  notes?: Record<string, string>;
  garden?: boolean;
  /** Ask the starter's language model, or read notes with its embedding model; the words alone count without. */
  models?: ("language" | "embedding")[];
  /** Obsidian has a copy of the vault open, with the plugin's settings of the first. */
  copied?: boolean;
  /** Whether the daemon allows the page's origin. */
  allowed?: boolean;
  /** A language model on a server, and what it says to a prompt. The notes need not support it to be shown. */
  says?: (prompt: string) => string;
}

export class Machine {
  readonly canary: { server: Server; port: number; reached: number };
  /** Addresses that the plugin asked for with `requestUrl`, which the page does not see. */
  readonly called: string[] = [];
  private daemon: ChildProcess | null = null;

  private constructor(
    readonly folder: string,
    readonly vault: string,
    private readonly page: Server,
    canary: Server,
    private readonly model: Server,
    private readonly wanted: Wanted,
  ) {
    this.canary = { server: canary, port: portOf(canary), reached: 0 };
    canary.on("connection", () => this.canary.reached++);
  }

  static async start(wanted: Wanted): Promise<Machine> {
    const folder = await mkdtemp(join(tmpdir(), "vaultbot-plugin-"));
    const vault = join(folder, "garden");
    await mkdir(vault);
    if (wanted.garden) await cp(join(REPOSITORY, "examples/garden"), vault, { recursive: true });
    const page = createServer((asked, answer) => {
      void served(machine, asked).then(
        ({ status = 200, type = "application/octet-stream", body }) => {
          answer.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(body);
        },
        (error: unknown) => answer.writeHead(404).end(String(error)),
      );
    });
    const canary = createServer((_, answer) => answer.end());
    const model = createServer((asked, answer) => void spoken(wanted, asked).then((body) => answer.writeHead(200, { "content-type": "application/json" }).end(body)));
    await Promise.all([page, canary, model].map((server) => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))));
    const machine = new Machine(folder, vault, page, canary, model, wanted);
    await mkdir(machine.opened, { recursive: true });
    for (const [path, text] of Object.entries(wanted.notes ?? {})) await machine.write(path, text.replaceAll("CANARY", machine.canaryHost));
    await mkdir(join(folder, "home"));
    const origins = wanted.allowed === false ? [] : [machine.origin];
    const parrot = wanted.says ? `[model]\nbase_url = "http://127.0.0.1:${portOf(model)}/v1"\nremote_model = "parrot"\n[answer]\nunsupported = "keep"\n` : "";
    await writeFile(join(folder, "home/config.toml"), `[server]\nport = 0\nallowed_origins = ${JSON.stringify(origins)}\n${parrot}`);
    return machine;
  }

  /** Another origin than the daemon's: another port and another name. */
  get origin(): string {
    return `http://localhost:${portOf(this.page)}`;
  }

  /** Where somebody else listens, who is never asked. */
  get canaryHost(): string {
    return `127.0.0.1:${this.canary.port}`;
  }

  get tokenFile(): string {
    return join(this.stateFolder ?? join(this.folder, "home/vaults/none"), "token");
  }

  /** The folder that Obsidian says it has open. */
  get opened(): string {
    return this.wanted.copied ? join(this.folder, "copy/garden") : this.vault;
  }

  private stateFolder: string | null = null;

  async write(path: string, text: string): Promise<void> {
    await mkdir(dirname(join(this.vault, path)), { recursive: true });
    await writeFile(join(this.vault, path), text);
  }

  read(path: string): Promise<string> {
    return readFile(join(this.vault, path), "utf8");
  }

  /** The daemon, once it has looked through the vault. */
  async startDaemon(): Promise<void> {
    const { models = [] } = this.wanted;
    const none = {
      ...(models.includes("embedding") ? {} : { VAULTBOT_EMBEDDING_MODEL: "none" }),
      ...(models.includes("language") || this.wanted.says ? {} : { VAULTBOT_MODEL_PATH: "none" }),
    };
    this.daemon = spawn(PYTHON, ["-P", "-m", "vaultbot", "serve", "--vault", this.vault], {
      env: { ...process.env, ...none, VAULTBOT_HOME: join(this.folder, "home"), PYTHONPATH: REPOSITORY },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    this.daemon.stderr?.on("data", (bytes: Buffer) => (said += bytes.toString()));
    for (;;) {
      if (this.daemon.exitCode !== null) throw new Error(`the daemon ended: ${said}`);
      const status = await this.status();
      if (status !== null && !["starting", "indexing"].includes(status.state as string)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async stopDaemon(): Promise<void> {
    const { daemon } = this;
    this.daemon = null;
    if (!daemon || daemon.exitCode !== null) return;
    await new Promise((resolve) => {
      daemon.once("exit", resolve);
      daemon.kill("SIGTERM");
    });
  }

  /** Asked past the plugin, as a command would. */
  get(path: string): Promise<Record<string, unknown> | null> {
    return this.call(path, {});
  }

  post(path: string, body: object): Promise<Record<string, unknown> | null> {
    return this.call(path, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } });
  }

  private async call(path: string, { headers, ...more }: RequestInit): Promise<Record<string, unknown> | null> {
    try {
      const vaults = join(this.folder, "home/vaults");
      this.stateFolder ??= join(vaults, (await readdir(vaults))[0] ?? "");
      const { port } = JSON.parse(await readFile(join(this.stateFolder, "daemon.json"), "utf8")) as { port: number };
      const token = (await readFile(this.tokenFile, "utf8")).trim();
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, { ...more, headers: { ...(headers as object), authorization: `Bearer ${token}` } });
      return (await answer.json()) as Record<string, unknown>;
    } catch {
      return null;
    }
  }

  status(): Promise<Record<string, unknown> | null> {
    return this.get("/api/status");
  }

  async end(): Promise<void> {
    await this.stopDaemon();
    for (const server of [this.page, this.canary.server, this.model]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

// ── what the page is served ───────────────────────────────────────────────────────────────────────────────────────

interface Served {
  status?: number;
  type?: string;
  body: string | Uint8Array;
}

const FILES: Record<string, [file: string, type: string]> = {
  "/": [join(HERE, "page.html"), "text/html"],
  "/theme.css": [join(HERE, "theme.css"), "text/css"],
  "/plugin/main.js": [join(REPOSITORY, "vaultbot/plugin/main.js"), "text/javascript"],
  "/plugin/manifest.json": [join(REPOSITORY, "vaultbot/plugin/manifest.json"), "application/json"],
  "/plugin/styles.css": [join(REPOSITORY, "vaultbot/plugin/styles.css"), "text/css"],
};

let bundled: Promise<string> | null = null;

function pageScript(): Promise<string> {
  bundled ??= build({ entryPoints: [join(HERE, "page.ts")], bundle: true, write: false, format: "iife" }).then(
    (result) => result.outputFiles[0]?.text ?? "",
  );
  return bundled;
}

async function served(machine: Machine, asked: IncomingMessage): Promise<Served> {
  const path = new URL(asked.url ?? "/", machine.origin).pathname;
  const file = FILES[path];
  if (file) return { type: file[1], body: await readFile(file[0]) };
  if (path === "/page.js") return { type: "text/javascript", body: await pageScript() };
  if (path === "/given") {
    return json({ vault: machine.opened, settings: { port: 0, tokenFile: machine.tokenFile } });
  }
  if (path === "/request-url") {
    const sent = JSON.parse(await bodyOf(asked)) as Parameters<typeof requested>[0];
    machine.called.push(sent.url);
    return json(await requested(sent));
  }
  if (path.startsWith("/local/")) return { body: await readFile(decodeURIComponent(path.slice(7))) };
  if (path === "/disk") {
    const entries = await readdir(machine.vault, { recursive: true, withFileTypes: true });
    return json(entries.filter((one) => one.isFile()).map((one) => relative(machine.vault, join(one.parentPath, one.name))));
  }
  const note = join(machine.vault, decodeURIComponent(path.slice("/disk/".length)));
  if (asked.method === "PUT") await writeFile(note, await bytesOf(asked));
  else if (asked.method === "DELETE") await rm(note);
  else return { body: await readFile(note) };
  return { body: "" };
}

function json(value: unknown): Served {
  return { type: "application/json", body: JSON.stringify(value) };
}

async function bytesOf(asked: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of asked) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

async function bodyOf(asked: IncomingMessage): Promise<string> {
  return (await bytesOf(asked)).toString("utf8");
}

/** What an OpenAI-compatible server answers: which models it has, or a whole chat completion. */
async function spoken({ says }: Wanted, asked: IncomingMessage): Promise<string> {
  if (asked.method !== "POST") return JSON.stringify({ object: "list", data: [{ id: "parrot", object: "model" }] });
  const { messages } = JSON.parse(await bodyOf(asked)) as { messages: { content: string }[] };
  const content = says?.(messages.map((one) => one.content).join("\n")) ?? "";
  return JSON.stringify({ choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }] });
}

/** What `requestUrl` does: a request of no page. */
function requested({ url, method, headers, body }: { url: string; method: string; headers: Record<string, string>; body?: string }): Promise<unknown> {
  return new Promise((resolve) => {
    const asking = request(url, { method, headers }, (answer) => {
      bodyOf(answer).then((text) => resolve({ status: answer.statusCode, text }), (error: unknown) => resolve({ error: String(error) }));
    });
    asking.on("error", (error) => resolve({ error: String(error) }));
    asking.end(body);
  });
}
