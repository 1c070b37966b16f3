/* The live connection: taken up again after the last line that was seen, and watched for silence. */

import { call, goToDoor } from "./calls.js";
import { page } from "./page.js";

const SILENCE_MS = 40_000;
const PAUSES = [500, 1_000, 2_000, 4_000, 8_000, 15_000];
const EVENTS = ["line", "amended", "delivery", "room", "status", "resync", "live"];

export class Stream {
  #source = null;
  #tries = 0;
  #silence = 0;
  #retry = 0;

  /** `after()` gives the last number; `on[event](data)` takes what comes; `state(online)` is for the banner. */
  constructor(after, on, state) {
    this.after = after;
    this.on = on;
    this.state = state;
    addEventListener("online", () => this.open());
    addEventListener("offline", () => this.#lost());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && !this.#source) this.open();
    });
  }

  /** Connect, now. */
  open() {
    clearTimeout(this.#retry);
    this.#source?.close();
    const source = new EventSource(`/api/v1/rooms/${page.room.id}/stream?after=${this.after()}`);
    this.#source = source;
    this.#heard();
    for (const name of EVENTS) {
      source.addEventListener(name, (event) => {
        if (source !== this.#source) return;
        this.#heard();
        if (name === "live") {
          this.#tries = 0;
          this.state(true);
        }
        this.on[name]?.(JSON.parse(event.data));
      });
    }
    source.addEventListener("beat", () => this.#heard());
    source.addEventListener("error", () => source === this.#source && this.#lost());
  }

  #heard() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#lost(), SILENCE_MS);
  }

  #lost() {
    clearTimeout(this.#silence);
    clearTimeout(this.#retry);
    this.#source?.close();
    this.#source = null;
    this.state(false);
    this.#retry = setTimeout(() => this.#again(), PAUSES[Math.min(this.#tries++, PAUSES.length - 1)]);
  }

  /** Before the next try, ask why: an event source does not tell. */
  async #again() {
    try {
      await call("GET", `/api/v1/rooms/${page.room.id}`);
    } catch (error) {
      if (error.status === 401) return goToDoor();
      if (error.status === 404) return location.assign("/rooms");
      return this.#lost();
    }
    return this.open();
  }
}
