/* A room's lines in the order of their numbers, as a value: each line once, whatever brings it and however often. */

import type { Delivery, Line } from "../api/types.ts";

export interface Log {
  /** Rising by `seq`, without gaps between the first and the last as far as the server shows numbers. */
  readonly lines: readonly Line[];
  /** The highest number that the server has told in order: where to go on after a pause. Null before the first page. */
  readonly seen: number | null;
  /** Whether the first line is the room's first. */
  readonly complete: boolean;
}

export const EMPTY: Log = { lines: [], seen: null, complete: false };

/** Take a line that the server told in order. */
export function told(log: Log, line: Line): Log {
  const seen = Math.max(log.seen ?? 0, line.seq);
  return { ...put(log, line), seen };
}

/** Put a line where its number belongs; one that is there is brought up to date. */
export function put(log: Log, line: Line): Log {
  const at = position(log.lines, line.seq);
  const known = log.lines[at];
  if (known?.seq === line.seq) return replace(log, at, merged(known, line));
  return { ...log, lines: log.lines.toSpliced(at, 0, line) };
}

/** Let a line that is there read as it does now; others are not of interest. */
export function amended(log: Log, line: Line): Log {
  const at = position(log.lines, line.seq);
  const known = log.lines[at];
  return known?.seq === line.seq ? replace(log, at, merged(known, line)) : log;
}

/** Take the news of one delivery. */
export function delivered(log: Log, seq: number, delivery: Delivery): Log {
  const at = position(log.lines, seq);
  const known = log.lines[at];
  if (known?.seq !== seq) return log;
  const deliveries = withDelivery(known.deliveries, delivery);
  return deliveries === known.deliveries ? log : replace(log, at, { ...known, deliveries });
}

/** Put a page of older lines before the present ones; an empty page says that there are none. */
export function older(log: Log, lines: readonly Line[]): Log {
  const first = log.lines[0]?.seq ?? Infinity;
  const fresh = lines.filter((line) => line.seq < first);
  return { ...log, lines: [...fresh, ...log.lines], complete: lines.length === 0 };
}

/** Say that everything up to `seq` was told. */
export function live(log: Log, seq: number): Log {
  return { ...log, seen: Math.max(log.seen ?? 0, seq) };
}

/** Forget the oldest lines beyond `most`: they are fetched again when somebody looks for them. */
export function trimmed(log: Log, most: number): Log {
  if (log.lines.length <= most) return log;
  return { ...log, lines: log.lines.slice(-most), complete: false };
}

/** Where a number is, or belongs, in a rising list. */
export function position(lines: readonly Line[], seq: number): number {
  let low = 0;
  let high = lines.length;
  // Nearly always it belongs at the end.
  if (high > 0 && (lines[high - 1]?.seq ?? 0) < seq) return high;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((lines[middle]?.seq ?? 0) < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

function replace(log: Log, at: number, line: Line): Log {
  return { ...log, lines: log.lines.with(at, line) };
}

/** The newer of two tellings of one line: a late report must not undo an edit, a removal or a delivery's end. */
function merged(known: Line, line: Line): Line {
  if (known.removed && !line.removed) return known;
  if ((known.edited_at ?? 0) > (line.edited_at ?? 0) && !line.removed) return known;
  const deliveries = line.deliveries.map((now) => {
    const before = known.deliveries.find((each) => each.link === now.link && each.part === now.part);
    return before && !follows(before.state, now.state) ? before : now;
  });
  return { ...line, deliveries };
}

const ENDED = new Set(["sent", "folded", "cancelled", "skipped"]);

/** Whether nothing more happens to a delivery in this state. A dead one may be sent again by an operator. */
export function isOver(state: string): boolean {
  return ENDED.has(state);
}

function follows(before: string, after: string): boolean {
  return !(isOver(before) && (after === "waiting" || after === "sending"));
}

function withDelivery(deliveries: Delivery[], delivery: Delivery): Delivery[] {
  const at = deliveries.findIndex((each) => each.link === delivery.link && each.part === delivery.part);
  const before = deliveries[at];
  if (!before) return [...deliveries, delivery];
  return follows(before.state, delivery.state) ? deliveries.with(at, delivery) : deliveries;
}
