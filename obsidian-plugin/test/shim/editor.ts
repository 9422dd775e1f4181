/** An editor with a text, a cursor and undo. */

export interface Position {
  line: number;
  ch: number;
}

export class Editor {
  cursor = 0;
  private text: string;
  private readonly history: string[] = [];

  constructor(
    text: string,
    private readonly onEdited: (text: string) => void,
  ) {
    this.text = text.replace(/\r\n/g, "\n");
  }

  getValue(): string {
    return this.text;
  }

  /** The file was changed by somebody else. */
  reload(text: string): void {
    this.text = text.replace(/\r\n/g, "\n");
  }

  offsetToPos(offset: number): Position {
    const before = this.text.slice(0, offset).split("\n");
    return { line: before.length - 1, ch: before[before.length - 1]?.length ?? 0 };
  }

  posToOffset({ line, ch }: Position): number {
    return this.text.split("\n").slice(0, line).reduce((sum, one) => sum + one.length + 1, 0) + ch;
  }

  setCursor(position: Position): void {
    this.cursor = this.posToOffset(position);
  }

  transaction({ changes }: { changes: { from: Position; to?: Position; text: string }[] }): void {
    this.history.push(this.text);
    for (const { from, to, text } of changes) {
      const [start, end] = [this.posToOffset(from), this.posToOffset(to ?? from)];
      this.text = this.text.slice(0, start) + text + this.text.slice(end);
    }
    this.onEdited(this.text);
  }

  replaceSelection(text: string): void {
    const at = this.offsetToPos(this.cursor);
    this.transaction({ changes: [{ from: at, to: at, text }] });
    this.cursor += text.length;
  }

  undo(): void {
    this.text = this.history.pop() ?? this.text;
    this.onEdited(this.text);
  }
}
