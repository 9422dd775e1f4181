/** What Obsidian adds to the DOM, as far as the plugin uses it. */

interface Info {
  cls?: string;
  text?: string;
  attr?: Record<string, string | number | boolean | null>;
  value?: string;
  type?: string;
}

export function installDom(target: Window & typeof globalThis): void {
  const element = target.HTMLElement.prototype as unknown as Record<string, unknown>;
  const own: Record<string, (this: HTMLElement, ...given: never[]) => unknown> = {
    createEl(tag: string, info?: Info) {
      const el = this.ownerDocument.createElement(tag);
      if (info?.cls) el.className = info.cls;
      if (info?.text !== undefined) el.textContent = info.text;
      if (info?.value !== undefined) (el as HTMLOptionElement).value = info.value;
      for (const [name, value] of Object.entries(info?.attr ?? {})) if (value !== null) el.setAttribute(name, String(value));
      this.appendChild(el);
      return el;
    },
    createDiv(info?: Info) {
      return (this as unknown as { createEl(tag: string, info?: Info): HTMLElement }).createEl("div", info);
    },
    createSpan(info?: Info) {
      return (this as unknown as { createEl(tag: string, info?: Info): HTMLElement }).createEl("span", info);
    },
    empty() {
      this.replaceChildren();
    },
    addClass(...names: string[]) {
      this.classList.add(...names);
    },
    removeClass(...names: string[]) {
      this.classList.remove(...names);
    },
    hasClass(name: string) {
      return this.classList.contains(name);
    },
    toggleClass(name: string, on: boolean) {
      this.classList.toggle(name, on);
    },
    setText(text: string) {
      this.textContent = text;
    },
    appendText(text: string) {
      this.appendChild(this.ownerDocument.createTextNode(text));
    },
    setAttr(name: string, value: string) {
      this.setAttribute(name, value);
    },
    setAttrs(attributes: Record<string, string>) {
      for (const [name, value] of Object.entries(attributes)) this.setAttribute(name, value);
    },
    toggle(on: boolean) {
      this.style.display = on ? "" : "none";
    },
  };
  Object.assign(element, own);
  Object.assign(target, { activeDocument: target.document, activeWindow: target });
}
