/** What the API answers (docs/api.md), as far as the page reads it. For the type check alone. */

interface Place { path: string; title: string; heading_path: string[]; uri: string }
interface Hit extends Place { line: number; line_start: number; text: string; score: number; matched: string[] }
interface SearchResult { hits: Hit[]; took_ms: number; warnings: string[] }
interface Citation extends Place { n: number; line_start: number; line_end: number; quote: string; wikilink: string }
interface Sentence { text: string; citations: number[]; support: "quote" | "supported" | "unsupported" }
interface Difference { kind: string; citations: [number, number]; words: [string, string]; dates: [string | null, string | null] }
interface Answer {
  question: string; answer: string; sentences: Sentence[]; citations: Citation[]; refused: boolean; model: string | null;
  match: string; nearest: Hit[]; differences: Difference[]; warnings: string[]; timings_ms: { total: number };
}
interface NoteLink { raw: string; target: string | null; key: string | null }
interface Backlink { path: string; title: string; line: number; heading_path: string[]; key: string | null; context: string; uri: string }
interface Neighbour { path: string; title: string; direction: "out" | "in" | "both"; types: string[]; uri: string }
interface NotePage {
  path: string; title: string; uri: string; text: string; date: string | null; tags: string[]; aliases: string[];
  properties: Record<string, unknown>; links: NoteLink[]; backlinks: Backlink[]; neighbours: Neighbour[];
  unsearched_because: string | null;
}
interface Spot { line: number; text: string; heading_path: string[] }
interface Related { path: string; title: string; score: number; near_copy: boolean; there: Spot | null; tags: string[]; words: string[]; uri: string }
interface RelatedNotes { note: string; notes: Related[]; warnings: string[] }
interface Near { path: string; title: string; distance: number; links: number; uri: string }
interface Tie { one: number; other: number; direction: "out" | "in" | "both"; types: string[] }
interface Neighbourhood { notes: Near[]; ties: Tie[]; left_out: number }
interface Skipped { path: string; reason: string }
interface Progress { stage: string; done: number; total: number; left_s: number | null }
interface Report { took_s: number; notes: number; failed: Skipped[] }
interface IndexState { state: string; message: string; progress: Progress | null; last_report: Report | null; version: number }
interface Status {
  state: string; message: string; vault: string; notes: number; chunks: number; embedder: string | null; model: string | null;
  model_loaded: boolean; version: string; warnings: string[]; skipped: Skipped[]; damaged: Skipped[]; last_index: Report | null;
}
interface InstalledModel { name: string; in_use: boolean; bytes: number | null; problem: string | null }

/** What the page itself makes of them. */
interface Turn {
  question: string; state: "asking" | "answering" | "done" | "stopped" | "failed"; model: string | null;
  sentences: Sentence[]; remarks: string[]; citations: Citation[]; answer: Answer | null; failure: string;
  /** Questions that the model answers first. */
  before: number;
}
type ReadHere = (path: string, line?: number) => void;

/** The vendored d3-force, as far as it is used. */
interface DrawnNote { note: Near; x: number; y: number; fx?: number; fy?: number }
interface Force { [setting: string]: (value: unknown) => Force }
interface Simulation { force(name: string, force: unknown): Simulation; stop(): Simulation; tick(times?: number): Simulation }
declare const d3: {
  forceSimulation(nodes: DrawnNote[]): Simulation; forceLink(links: object[]): any; forceManyBody(): any;
  forceCollide(radius: unknown): any; forceX(x: number): any; forceY(y: number): any;
};
