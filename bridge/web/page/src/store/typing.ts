/* Tells others that the visitor is typing: seldom while it goes on, once when it ends. */

const AGAIN_MS = 4_000;
const REST_MS = 8_000;

export class Typing {
  readonly #request: (op: string, fields: object) => Promise<unknown>;
  #room = "";
  #told = 0;
  #rest: ReturnType<typeof setTimeout> | undefined;

  constructor(request: (op: string, fields: object) => Promise<unknown>) {
    this.#request = request;
  }

  /** A key was pressed in the composer of a room. */
  typed(room: string, now: number = Date.now()): void {
    if (this.#room !== room) this.stopped();
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => this.stopped(), REST_MS);
    if (now - this.#told < AGAIN_MS) return;
    this.#room = room;
    this.#told = now;
    this.#tell(room, true);
  }

  /** The line was sent, or given up. */
  stopped(): void {
    clearTimeout(this.#rest);
    if (this.#room) this.#tell(this.#room, false);
    this.#room = "";
    this.#told = 0;
  }

  #tell(room: string, typing: boolean): void {
    // Nobody misses it where it fails.
    this.#request("typing", { room, typing }).catch(() => undefined);
  }
}
