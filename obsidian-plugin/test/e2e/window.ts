import { Browser, chromium, Locator, Page } from "playwright-core";
import { Machine } from "./machine";

export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}

/** Obsidian's window. Whatever goes wrong in it fails the test, and every request is written down. */
export class Window {
  readonly requests: string[] = [];
  readonly errors: string[] = [];
  readonly blocked: string[] = [];

  private constructor(readonly page: Page) {
    page.on("request", (request) => this.requests.push(`${request.method()} ${request.url()}`));
    page.on("requestfailed", (request) => this.blocked.push(`${request.method()} ${new URL(request.url()).pathname} ${request.failure()?.errorText ?? ""}`));
    page.on("pageerror", (error) => this.errors.push(error.message));
    page.on("dialog", (dialog) => {
      this.errors.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
  }

  static async open(browser: Browser, machine: Machine): Promise<Window> {
    const window = new Window(await browser.newPage({ viewport: { width: 1100, height: 720 } }));
    await window.page.goto(machine.origin);
    await window.page.waitForFunction("window.plugin !== undefined");
    return window;
  }

  run<T>(code: string): Promise<T> {
    return this.page.evaluate<T>(code);
  }

  openNote(path: string): Promise<void> {
    return this.run(`app.workspace.openLinkText(${JSON.stringify(path)}, "")`);
  }

  command(id: string): Promise<void> {
    return this.run(`void app.commands.get(${JSON.stringify(id)})()`);
  }

  /** Ask as a person does, from the keyboard. */
  async ask(question: string): Promise<void> {
    await this.command("ask");
    await this.page.getByLabel("Your question").fill(question);
    await this.page.keyboard.press("Enter");
  }

  async answered(turns = 1): Promise<void> {
    await this.page.waitForFunction(
      `document.querySelectorAll(".vaultbot-turn").length === ${turns} && document.querySelectorAll('.vaultbot-answer[aria-busy="false"]').length === ${turns}`,
    );
  }

  text(selector: string): Promise<string[]> {
    return this.page.locator(selector).allInnerTexts();
  }

  /** Of the suggestion with this headline. */
  card(name: string): Locator {
    return this.page.locator(`.vaultbot-suggestions .vaultbot-card[aria-label="${name}"]`);
  }

  opened(): Promise<{ path: string; line: number }> {
    return this.run("app.workspace.opened");
  }
}
