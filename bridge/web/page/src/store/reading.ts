/* What was read: told to the server soon, and never backwards but on purpose. */

import type { Place } from "./place.ts";

const DELAY_MS = 400;

export class Reading {
  readonly #request: (op: string, fields: object) => Promise<unknown>;
  readonly #due = new Map<string, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(request: (op: string, fields: object) => Promise<unknown>) {
    this.#request = request;
  }

  /** Everything up to `seq` was in view. */
  saw(place: Place, seq: number): void {
    const room = place.room.value;
    if (!room?.joined || seq <= Math.max(room.marker, this.#due.get(place.id) ?? 0)) return;
    this.#due.set(place.id, seq);
    this.#timer ??= setTimeout(() => this.flush(), DELAY_MS);
  }

  /** Everything in the room counts as read. */
  readAll(place: Place): void {
    const room = place.room.value;
    place.newAfter.value = undefined;
    if (room) this.saw(place, Math.max(room.last_seq, place.log.value.lines.at(-1)?.seq ?? 0));
  }

  /** Tell the server what is due; what it does not hear now it hears with the next line in view. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [room, seq] of this.#due) {
      this.#request("mark", { room, seq }).catch((error: unknown) => console.info("not marked as read:", error));
    }
    this.#due.clear();
  }
}
