/* How lines stand below each other: days, runs of one author, and the mark before what is new. */

import type { Line } from "../api/types.ts";
import { dayKey } from "../text/time.ts";
import type { Unsent } from "./unsent.ts";

export interface Arranged {
  readonly line: Line;
  /** It is the first of its day. */
  readonly day: boolean;
  /** It is the first of its author's run: it shows the name and the face. */
  readonly first: boolean;
  /** Above it stands that from here on everything is new. */
  readonly fresh: boolean;
}

const RUN_MS = 5 * 60 * 1000;

/** Arrange lines in rising order; `newAfter` is the number after which the visitor has not read yet. */
export function arrange(lines: readonly Line[], newAfter: number | undefined, me: string): Arranged[] {
  const firstNew = newAfter === undefined ? undefined : lines.find((line) => line.seq > newAfter && line.who.id !== me);
  return lines.map((line, index) => {
    const before = lines[index - 1];
    const day = !before || dayKey(before.at) !== dayKey(line.at);
    const fresh = line === firstNew && before !== undefined;
    return { line, day, fresh, first: day || fresh || !continues(before, line) };
  });
}

function continues(before: Line, line: Line): boolean {
  return (
    before.kind === "said" &&
    line.kind === "said" &&
    before.who.id === line.who.id &&
    before.who.name === line.who.name &&
    line.at - before.at < RUN_MS &&
    line.content.style !== "emote" &&
    before.content.style !== "emote"
  );
}

/** Whether something that is being sent will stand in the run of the newest line. */
export function goesOn(last: Line | undefined, me: string, item: Unsent): boolean {
  if (!last || last.kind !== "said" || last.who.id !== me || dayKey(last.at) !== dayKey(item.at)) return false;
  return item.at - last.at < RUN_MS && item.style !== "emote" && last.content.style !== "emote";
}
