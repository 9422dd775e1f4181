// @ts-check
/** A note's neighbourhood: a picture for the eye, and the same as a list for everybody. Laid out by d3-force. */

import { button, el, fill, plural, svg, words } from "./elements.js";

const MOST_LABELS = 30;
const LONGEST_LABEL = 24;
const TICKS = 240;

/**
 * @param {HTMLElement} body
 * @param {(depth: number) => Promise<Neighbourhood>} load
 * @param {ReadHere} read
 * @param {() => boolean} wanted whether somebody still looks at it
 */
export async function drawNeighbourhood(body, load, read, wanted) {
  let depth = 1;
  const picture = el("div", { class: "map" }, el("p", { class: "working" }, "Drawing the map"));
  const list = el("div", { class: "map-list" });
  const choice = el("label", { class: "hint" }, "Show ", el("select", {}, el("option", { value: "1" }, "what is linked"), el("option", { value: "2" }, "and what is linked with that")));
  choice.querySelector("select")?.addEventListener("change", (event) => {
    depth = Number(/** @type {HTMLSelectElement} */ (event.target).value);
    void draw();
  });
  fill(body, el("div", { class: "map-bar" }, choice), picture, list);

  async function draw() {
    try {
      const [found] = await Promise.all([load(depth), loadD3()]);
      if (!wanted()) return;
      fill(picture, drawPicture(found, Math.max(300, picture.clientWidth), read));
      fill(list, drawList(found, read));
    } catch (error) {
      if (wanted()) fill(picture, el("p", { class: "failure", role: "alert" }, error instanceof Error ? error.message : String(error)));
    }
  }
  await draw();
}

/** @param {Neighbourhood} found @param {number} width pixels @param {ReadHere} read */
function drawPicture({ notes, ties }, width, read) {
  const height = Math.round(Math.min(560, Math.max(300, width * 0.8)));
  const nodes = laidOut(notes, ties, width, height);
  const labelled = notes.length - 1 <= MOST_LABELS;
  const lines = ties.map(({ one, other, direction, types }) => {
    const [from, to] = [/** @type {DrawnNote} */ (nodes[one]), /** @type {DrawnNote} */ (nodes[other])];
    const { x1, y1, x2, y2 } = shortened(from, to);
    const arrows = { ...(direction !== "in" ? { "marker-end": "url(#arrow)" } : {}), ...(direction !== "out" ? { "marker-start": "url(#arrow)" } : {}) };
    const typed = types.length > 0 && labelled && Math.hypot(x2 - x1, y2 - y1) > 60
      ? svg("text", { class: "tie-type", x: (x1 + x2) / 2, y: (y1 + y2) / 2 - 4, "text-anchor": "middle" }, clipped(types.join(", ")))
      : null;
    return [svg("line", { class: types.length > 0 ? "tie typed" : "tie", x1, y1, x2, y2, ...arrows }), typed];
  });
  const circles = nodes.map((node, at) => {
    const { note, x, y } = node;
    const group = svg("g", { class: `dot-of distance-${note.distance}${labelled || note.distance === 0 ? "" : " quiet-label"}`, "data-path": note.path },
      svg("title", {}, `${note.title} (${plural(note.links, "link")})`),
      svg("circle", { cx: x, cy: y, r: radius(note) }),
      svg("text", { x, y: y + radius(note) + 13, "text-anchor": x < 60 ? "start" : x > width - 60 ? "end" : "middle" }, clipped(note.title)));
    if (at > 0) group.addEventListener("click", () => read(note.path));
    return group;
  });
  // What it shows is in the list below, which the keyboard reaches.
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", focusable: "false", "aria-label": `Map: ${notes[0]?.title ?? ""} and ${plural(notes.length - 1, "note")} around it; the list below has the same` },
    svg("defs", {}, svg("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse" }, svg("path", { d: "M0 1 8 4 0 7z" }))),
    svg("g", {}, ...lines.flat()), svg("g", {}, ...circles));
}

/** Not before it is needed. Each part of it wants the ones before. */
async function loadD3() {
  for (const part of ["dispatch", "quadtree", "timer", "force"]) await import(`/assets/vendor/d3-${part}.min.js`);
}

/** Places within the picture. Nothing moves: it is the same picture every time. @param {Near[]} notes @param {Tie[]} ties @param {number} width @param {number} height */
function laidOut(notes, ties, width, height) {
  /** @type {DrawnNote[]} */
  const nodes = notes.map((note, at) => {
    const angle = at * 2.4, far = note.distance === 0 ? 0 : 40 * Math.sqrt(at);
    return { note, x: width / 2 + far * Math.cos(angle), y: height / 2 + far * Math.sin(angle) };
  });
  const middle = nodes[0];
  if (middle) Object.assign(middle, { fx: width / 2, fy: height / 2 });
  const room = Math.min(width, height) / (notes.some(({ distance }) => distance > 1) ? 5 : 2.5);
  const simulation = d3.forceSimulation(nodes)
    .force("link", d3.forceLink(ties.map(({ one, other }) => ({ source: one, target: other }))).distance(room).strength(0.25))
    .force("charge", d3.forceManyBody().strength(-320))
    .force("collide", d3.forceCollide((/** @type {DrawnNote} */ { note }) => radius(note) + 18))
    .force("x", d3.forceX(width / 2).strength(0.05))
    .force("y", d3.forceY(height / 2).strength(0.09))
    .stop();
  for (let tick = 0; tick < TICKS; tick++) {
    simulation.tick();
    for (const node of nodes) {
      node.x = Math.min(width - 16, Math.max(16, node.x));
      node.y = Math.min(height - 30, Math.max(16, node.y));
    }
  }
  return nodes;
}

/** The line between two circles, without what lies within them. @param {DrawnNote} from @param {DrawnNote} to */
function shortened(from, to) {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const [dx, dy] = [(to.x - from.x) / length, (to.y - from.y) / length];
  const [start, end] = [radius(from.note) + 3, radius(to.note) + 3];
  return { x1: from.x + dx * start, y1: from.y + dy * start, x2: to.x - dx * end, y2: to.y - dy * end };
}

/** @param {Near} note */
function radius({ distance, links }) {
  return distance === 0 ? 11 : Math.min(9, 4 + Math.sqrt(links));
}

/** @param {string} text */
function clipped(text) {
  const signs = Array.from(text);
  return signs.length > LONGEST_LABEL ? `${signs.slice(0, LONGEST_LABEL - 1).join("")}…` : text;
}

/** @param {Neighbourhood} found @param {ReadHere} read */
function drawList({ notes, ties, left_out }, read) {
  /** @param {number} at */
  const towards = (at) => ties.flatMap(({ one, other, direction, types }) => {
    if (at !== one && at !== other) return [];
    const nearer = /** @type {Near} */ (notes[at === one ? other : one]);
    if (nearer.distance >= /** @type {Near} */ (notes[at]).distance) return [];
    const out = (direction === "out") === (at === one);
    const verb = direction === "both" ? "linked both ways with" : out ? "links to" : "linked from";
    return [`${verb} ${nearer.title}${types.length > 0 ? ` (${types.join(", ")})` : ""}`];
  });
  const items = notes.map((note, at) => at === 0 ? null : el("li", {},
    button("place", note.title, () => read(note.path), { dir: "auto", title: note.path, "data-path": note.path }),
    words("span", "remark", towards(at).join(" · "))));
  return [
    el("h3", {}, `${plural(notes.length - 1, "note")} around it`),
    notes.length === 1 ? el("p", { class: "remark" }, "It is linked with no other note.") : el("ul", { class: "cards compact" }, items),
    left_out > 0 ? el("p", { class: "remark" }, `${plural(left_out, "note")} more.`) : null,
  ];
}
