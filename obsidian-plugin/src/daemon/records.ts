/** What the daemon answers, as docs/api.md describes it. Field names are the API's own. */

export interface Citation {
  n: number;
  path: string;
  title: string;
  heading_path: string[];
  line_start: number;
  line_end: number;
  quote: string;
}

export type Support = "quote" | "supported" | "unsupported";

export interface Sentence {
  text: string;
  citations: number[];
  support: Support;
}

export interface Hit {
  path: string;
  title: string;
  heading_path: string[];
  line: number;
  text: string;
}

/** Two cited sentences that say the same of the same thing, but for these words. */
export interface Difference {
  citations: [number, number];
  words: [string, string];
  /** The day each note is about, YYYY-MM-DD. The newer one is the second. */
  dates: [string | null, string | null];
}

export type Match = "strong" | "good" | "weak" | "none";

export interface Answer {
  question: string;
  answer: string;
  sentences: Sentence[];
  citations: Citation[];
  grounded: boolean;
  refused: boolean;
  model: string | null;
  timings_ms: { total: number };
  match: Match;
  nearest: Hit[];
  differences: Difference[];
  warnings: string[];
}

/** What a streamed answer consists of; the last is the whole answer. */
export type AskEvent =
  | { kind: "sources"; match: Match; model: string | null }
  | { kind: "sentence"; sentence: Sentence; citations: Citation[] }
  /** So many questions are answered by the model first; 0 when it begins with this one. */
  | { kind: "waiting"; before: number }
  | { kind: "answer"; answer: Answer };

export interface Message {
  role: "user" | "assistant";
  content: string;
  cited?: string[];
}

export interface Question {
  messages: Message[];
  /** Only notes whose path has this in it. */
  path?: string;
}

export interface Spot {
  heading_path: string[];
  line: number;
  text: string;
}

export interface RelatedNote {
  path: string;
  title: string;
  score: number;
  near_copy: boolean;
  here: Spot | null;
  there: Spot | null;
  tags: string[];
  links: string[];
  words: string[];
}

export interface RelatedNotes {
  note: string;
  notes: RelatedNote[];
  warnings: string[];
}

/** Put `text` in place of what stands from `start` to `end`, in Unicode characters of the note's text. */
export interface Replacement {
  type: "replace";
  start: number;
  end: number;
  text: string;
}

/** Add `value` to the property `key`. */
export interface PropertyValue {
  type: "property";
  key: string;
  value: string;
}

/** Make a note that is not there yet. */
export interface NewNote {
  type: "new-note";
  text: string;
}

export type Edit = Replacement | PropertyValue | NewNote;

export type SuggestionKind = "mention" | "semantic" | "property" | "tag" | "alias" | "fix-link" | "create";

export interface Suggestion {
  id: string;
  kind: SuggestionKind;
  note: string;
  target: string;
  /** The words as they stand in the note; for what has no place in it, the value that would be added. */
  text: string;
  edit: Edit;
  score: number;
  reasons: string[];
  line: number;
  col: number;
  context: string;
  /** Of the note's bytes that the edit's offsets belong to. */
  sha256: string;
  key: string | null;
  alternatives: string[];
}

export interface Suggestions {
  note: string;
  suggestions: Suggestion[];
}

/** How far a dismissal reaches: this one, this target in this note, these words anywhere. */
export type Scope = "here" | "pair" | "phrase";

export interface Progress {
  stage: string;
  done: number;
  total: number;
}

export interface Status {
  state: string;
  message: string;
  vault: string;
  /** What the daemon's settings call the vault. A daemon that does not tell knows nothing of several vaults. */
  name: string | null;
  notes: number;
  model: string | null;
  version: string;
  progress: Progress | null;
}

export interface IndexState {
  state: string;
  message: string;
  progress: Progress | null;
  last_report: { notes: number } | null;
  version: number;
}
