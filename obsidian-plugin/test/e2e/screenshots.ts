/** Pictures for docs/plugin.md: npm run screenshots. The notes, the answers and the plugin are real; the window is the shim's. */

import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { Machine } from "./machine";
import { startBrowser, Window } from "./window";

const DOCS = fileURLToPath(new URL("../../../docs/", import.meta.url));

test("the views, light and dark", { timeout: 600_000 }, async () => {
  const machine = await Machine.start({ garden: true, models: ["language", "embedding"] });
  const browser = await startBrowser();
  try {
    await machine.startDaemon();
    const window = await Window.open(browser, machine);
    const take = async (name: string, theme: "light" | "dark"): Promise<void> => {
      await window.run(`document.body.className = "theme-${theme}"`);
      await window.page.screenshot({ path: `${DOCS}plugin-${name}-${theme}.png` });
    };
    await window.openNote("Machine learning/Quantization.md");
    await window.ask("What is quantization?");
    await window.answered();
    await window.ask("and why does it work?");
    await window.answered(2);
    await take("ask", "light");
    await window.ask("What is the capital of France?");
    await window.answered(3);
    await take("ask", "dark");
    await window.openNote("Gardening/Tomato.md");
    await window.command("related");
    await window.page.locator(".vaultbot-related .vaultbot-card").first().waitFor();
    await take("related", "light");
    await window.command("suggest");
    await window.card("Compost").waitFor();
    await take("suggestions", "dark");
    expect(window.errors).toEqual([]);
  } finally {
    await browser.close();
    await machine.end();
  }
});
