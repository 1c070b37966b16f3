/* What was written and is not in the log yet, as values: kept in the browser's storage, sent in order, each once. */

import type { Line, Style } from "../api/types.ts";

/** A line on its way. Its `client_id` makes it one line, however often it is sent. */
export interface Unsent {
  readonly client_id: string;
  readonly text: string;
  readonly style: Style;
  readonly at: number;
  /** The last number of the log when it was written: its own is a later one. */
  readonly after: number;
  /** The code and words of the refusal, when it was refused for good: it waits for the visitor then. */
  readonly failure?: { code: string; message: string };
}

/** As much of localStorage as is used. */
export interface Storage {
  readonly length: number;
  key(index: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

const ROOT = "rialto.unsent";

function prefix(person: string, room: string): string {
  return `${ROOT}/${person}/${room}/`;
}

/** Read what a room's unsent lines are, oldest first. */
export function load(storage: Storage, person: string, room: string): Unsent[] {
  const found: Unsent[] = [];
  for (const key of keys(storage, prefix(person, room))) {
    const item = parsed(storage.getItem(key));
    if (item) found.push(item);
    else storage.removeItem(key);
  }
  return found.sort((a, b) => a.at - b.at);
}

/** Read which rooms have unsent lines. */
export function roomsWith(storage: Storage, person: string): string[] {
  const start = `${ROOT}/${person}/`;
  return [...new Set(keys(storage, start).map((key) => key.slice(start.length).split("/")[0] ?? ""))];
}

/** Keep an item: each has a key of its own, so that two windows do not overwrite each other's. */
export function keep(storage: Storage, person: string, room: string, item: Unsent): boolean {
  try {
    storage.setItem(prefix(person, room) + item.client_id, JSON.stringify(item));
    return true;
  } catch (error) {
    console.warn("the storage is full: an unsent line would not survive a reload", error);
    return false;
  }
}

/** Forget an item. */
export function drop(storage: Storage, person: string, room: string, item: Unsent): void {
  storage.removeItem(prefix(person, room) + item.client_id);
}

/** Forget all that a person has not sent: they signed out. */
export function dropAll(storage: Storage, person: string): void {
  for (const key of keys(storage, `${ROOT}/${person}/`)) storage.removeItem(key);
}

function keys(storage: Storage, start: string): string[] {
  const found: string[] = [];
  for (let index = 0; index < storage.length; index += 1) {
    const key = storage.key(index);
    if (key?.startsWith(start)) found.push(key);
  }
  return found;
}

function parsed(raw: string | null): Unsent | undefined {
  try {
    const item = JSON.parse(raw ?? "") as Partial<Unsent>;
    if (typeof item.client_id === "string" && typeof item.text === "string" && typeof item.at === "number") {
      return { style: "text", after: 0, ...item } as Unsent;
    }
  } catch {
    // Somebody else's, or cut off: it is taken out.
  }
  return undefined;
}

/**
 * Which unsent items are in the log already, though their answer has not come: for each own line after them that
 * reads the same, one item, in order. They are not shown twice; their answer will tell for certain.
 */
export function shadowed(items: readonly Unsent[], lines: readonly Line[], person: string): Set<string> {
  const found = new Set<string>();
  if (!items.length) return found;
  const oldest = Math.min(...items.map((item) => item.after));
  const own = lines.filter((line) => line.seq > oldest && line.kind === "said" && line.who.id === person);
  for (const item of items) {
    const at = own.findIndex((line) => line.seq > item.after && same(line, item));
    if (at >= 0) {
      own.splice(at, 1);
      found.add(item.client_id);
    }
  }
  return found;
}

function same(line: Line, item: Unsent): boolean {
  return (line.content.text ?? "").trim() === item.text.trim() && (line.content.style ?? "text") === item.style;
}
