/** The hostile notes that every door is tried with. Python's tests read the same file. */

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export interface HostileNote {
  id: string;
  kind: string;
  path: string;
  /** What is hostile in it. http://canary.invalid stands for somebody elsewhere. */
  text: string;
}

const FILE = join(dirname(fileURLToPath(import.meta.url)), "../../tests/injection/notes.json");
const READ = JSON.parse(readFileSync(FILE, "utf8")) as { notes: (Omit<HostileNote, "path"> & { path?: string })[] };

export const HOSTILE: HostileNote[] = READ.notes.map((one) => ({ path: `${one.id}.md`, ...one }));
