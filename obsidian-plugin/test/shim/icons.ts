/** Plain drawings in place of Obsidian's icons. */

const STROKES: Record<string, string> = {
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  "text-cursor-input": "M5 4h2a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2H5M13 20h-2a2 2 0 0 1-2-2M9 6a2 2 0 0 1 2-2h2M13 8h8v8h-8M5 16H3V8h2",
  "rotate-ccw": "M3 12a9 9 0 1 0 3-6.7L3 8M3 3v5h5",
  link: "M10 14a5 5 0 0 0 7 0l3-3a5 5 0 0 0-7-7l-1 1M14 10a5 5 0 0 0-7 0l-3 3a5 5 0 0 0 7 7l1-1",
  ellipsis: "M5 12h.01M12 12h.01M19 12h.01",
  "square-pen": "M12 4H4v16h16v-8M18 2.5l3.5 3.5L12 15.500H8.500V12z",
};

export function drawIcon(parent: HTMLElement, name: string): void {
  const space = "http://www.w3.org/2000/svg";
  const svg = parent.ownerDocument.createElementNS(space, "svg");
  const attributes = { viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": "2", "stroke-linecap": "round", class: "svg-icon" };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  const path = parent.ownerDocument.createElementNS(space, "path");
  path.setAttribute("d", STROKES[name] ?? "M4 4h16v16H4z");
  svg.appendChild(path);
  parent.replaceChildren(svg);
}
