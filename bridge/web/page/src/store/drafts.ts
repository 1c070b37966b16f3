/* What was begun to be written, for each room: it survives a reload. */

import type { Storage } from "./unsent.ts";

export class Drafts {
  readonly #storage: Storage;
  readonly #person: () => string;

  constructor(storage: Storage, person: () => string) {
    this.#storage = storage;
    this.#person = person;
  }

  /** What was begun in a room, or "". */
  get(room: string): string {
    return this.#storage.getItem(this.#key(room)) ?? "";
  }

  /** Keep what is begun; nothing is not kept. */
  set(room: string, text: string): void {
    try {
      if (text) this.#storage.setItem(this.#key(room), text);
      else this.#storage.removeItem(this.#key(room));
    } catch (error) {
      console.warn("the storage is full: this draft would not survive a reload", error);
    }
  }

  #key(room: string): string {
    return `rialto.draft/${this.#person()}/${room}`;
  }
}
