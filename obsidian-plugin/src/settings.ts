/** What is set, and the tab where. The token itself is never stored: only where its file is. */

import { App, PluginSettingTab, Setting, SettingDefinitionRender } from "obsidian";
import { Connection, ConnectionState, counted } from "./daemon/connection";
import { Whereabouts } from "./daemon/place";
import type VaultbotPlugin from "./main";

export const DEFAULTS: Whereabouts = { port: 0, tokenFile: "" };

/** Whatever the file holds, as settings; what is not valid is as by default. */
export function readSettings(stored: unknown): Whereabouts {
  const { port, tokenFile } = (stored ?? {}) as Record<string, unknown>;
  return {
    port: typeof port === "number" && isPort(port) ? port : DEFAULTS.port,
    tokenFile: typeof tokenFile === "string" ? tokenFile.trim() : DEFAULTS.tokenFile,
  };
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 0 && port <= 65535;
}

type Row = Pick<SettingDefinitionRender, "name"> & { desc: string; render: (setting: Setting) => void | (() => void) };

export class VaultbotSettingTab extends PluginSettingTab {
  constructor(
    app: App,
    private readonly owner: VaultbotPlugin,
    private readonly connection: Connection,
  ) {
    super(app, owner);
  }

  /** Obsidian 1.13 and later, which can also search them. */
  override getSettingDefinitions(): SettingDefinitionRender[] {
    return this.rows().map(({ name, desc, render }) => ({ name, desc, render: (setting) => render(setting) }));
  }

  /** Obsidian before 1.13. */
  override display(): void {
    this.containerEl.empty();
    for (const { name, desc, render } of this.rows()) {
      render(new Setting(this.containerEl).setName(name).setDesc(desc));
    }
  }

  private rows(): Row[] {
    return [
      {
        name: "Token file",
        desc: "The file that the daemon keeps its token in, as vaultbot status names it. Only this path is stored; the token is read from the file each time.",
        render: (setting) => {
          setting.addText((text) =>
            text
              .setPlaceholder("Path of the token file")
              .setValue(this.owner.settings.tokenFile)
              .onChange((tokenFile) => this.owner.change({ tokenFile: tokenFile.trim() })),
          );
        },
      },
      {
        name: "Port",
        desc: "Leave it empty to take the port that the daemon itself tells.",
        render: (setting) => {
          setting.addText((text) => {
            text.inputEl.inputMode = "numeric";
            text
              .setPlaceholder("As the daemon tells")
              .setValue(this.owner.settings.port === 0 ? "" : String(this.owner.settings.port))
              .onChange((typed) => {
                const port = typed.trim() === "" ? 0 : Number(typed);
                text.inputEl.setAttribute("aria-invalid", String(!isPort(port)));
                if (isPort(port)) this.owner.change({ port });
              });
          });
        },
      },
      {
        name: "Connection",
        desc: "Nothing but this connection to your own machine is ever made.",
        render: (setting) => {
          const said = setting.descEl.createDiv({ cls: "vaultbot-connection", attr: { role: "status" } });
          setting.addButton((button) => button.setButtonText("Test").onClick(() => this.connection.retry()));
          return this.connection.onChange((state) => said.setText(inFull(state)));
        },
      },
    ];
  }
}

/** The state in a sentence or two. */
export function inFull(state: ConnectionState): string {
  switch (state.kind) {
    case "connecting":
      return "Connecting …";
    case "offline":
    case "refused":
      return state.why;
    case "online": {
      const { version, notes, vault, name, model, message } = state.status;
      const known = state.status.state === "ready" ? counted(notes) : message;
      return `Connected to vaultbot ${version} for ${name ? `${name}, ${vault}` : vault}: ${known}, ${model ?? "no language model"}.`;
    }
  }
}
