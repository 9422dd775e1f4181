/** A vault in memory with Obsidian around it. */

import { MemoryDisk } from "../shim/disk";
import * as shim from "../shim/obsidian";
import type { App } from "obsidian";

export interface Garden {
  app: App;
  shim: shim.App;
  disk: MemoryDisk;
  open(path: string): Promise<void>;
}

export async function vaultOf(texts: Record<string, string>): Promise<Garden> {
  document.body.replaceChildren();
  shim.machine.notices.length = 0;
  const [main, side, status] = [document.body.createDiv(), document.body.createDiv(), document.body.createDiv()];
  const disk = new MemoryDisk(texts);
  const app = new shim.App("garden", disk, { main, side, status });
  await app.vault.scan();
  return {
    app: app as unknown as App,
    shim: app,
    disk,
    open: async (path) => {
      const file = app.vault.getFileByPath(path);
      if (!file) throw new Error(path);
      await app.workspace.markdown.open(file);
      app.workspace.trigger("file-open", file);
    },
  };
}
