/* Sends what was written, in order and each once: kept until the server says that it is in the log. */

import { asFailure, type Failure } from "../api/failure.ts";
import { backoff } from "../api/backoff.ts";
import { newId } from "../api/ids.ts";
import type { Line, Style } from "../api/types.ts";
import { put } from "./log.ts";
import type { Place } from "./place.ts";
import { type Storage, type Unsent, drop, keep, load } from "./unsent.ts";

/** Where the outbox sends, and who writes. */
export interface Sender {
  request<T>(op: string, fields: object): Promise<T>;
  me(): { person: string; name: string };
}

interface Placed {
  seq: number;
  id: string;
}

export class Outbox {
  readonly #place: Place;
  readonly #storage: Storage;
  readonly #sender: Sender;
  #running = false;
  #wake: () => void = () => undefined;

  constructor(place: Place, storage: Storage, sender: Sender) {
    this.#place = place;
    this.#storage = storage;
    this.#sender = sender;
    place.unsent.value = load(storage, sender.me().person, place.id);
  }

  /** Take something to send: it is in the storage, and shown, before this returns. */
  add(text: string, style: Style): void {
    const last = this.#place.unsent.value.at(-1)?.at ?? 0;
    const item: Unsent = {
      client_id: newId(),
      text,
      style,
      // Two in the same millisecond keep their order in the storage too.
      at: Math.max(Date.now(), last + 1),
      after: this.#place.log.value.seen ?? 0,
    };
    this.#keep(item);
    this.#place.unsent.value = [...this.#place.unsent.value, item];
    void this.run();
  }

  /** Try one that was refused again. */
  retry(item: Unsent): void {
    const { failure: _, ...again } = item;
    this.#replace(again);
    void this.run();
  }

  /** Give one up. */
  discard(item: Unsent): void {
    drop(this.#storage, this.#sender.me().person, this.#place.id, item);
    this.#place.unsent.value = this.#place.unsent.value.filter((each) => each.client_id !== item.client_id);
  }

  /** Send what waits, in order; called again whenever the connection is back. */
  async run(): Promise<void> {
    this.#wake();
    if (this.#running) return;
    this.#running = true;
    try {
      let tries = 0;
      for (let item = this.#first(); item; item = this.#first()) {
        const failure = await this.#send(item);
        if (failure === undefined) tries = 0;
        // Without a connection there is nothing to wait for here: the next one calls.
        else if (failure.code === "unreachable" || failure.code === "signed_out") return;
        else if (failure.passing) await this.#pause(failure.retryAfter * 1000 || backoff(tries++));
        else this.#replace({ ...item, failure: { code: failure.code, message: failure.message } });
      }
    } finally {
      this.#running = false;
    }
  }

  #first(): Unsent | undefined {
    return this.#place.unsent.value.find((item) => !item.failure);
  }

  async #send(item: Unsent): Promise<Failure | undefined> {
    const { client_id, text, style } = item;
    try {
      const placed = await this.#sender.request<Placed>("say", { room: this.#place.id, client_id, text, style });
      this.#settle(item, placed);
      return undefined;
    } catch (error) {
      return asFailure(error);
    }
  }

  #settle(item: Unsent, placed: Placed): void {
    const place = this.#place;
    // Until the log's own telling comes, the line is drawn from what was typed.
    const shown = place.log.value.lines.some((line) => line.seq === placed.seq);
    if (!shown && place.log.value.seen !== null) place.log.value = put(place.log.value, this.#line(item, placed));
    this.discard(item);
    // What waits behind it comes after it in the log.
    place.unsent.value = place.unsent.value.map((each) => ({ ...each, after: Math.max(each.after, placed.seq) }));
  }

  #line(item: Unsent, placed: Placed): Line {
    const { person, name } = this.#sender.me();
    const content = { text: item.text, style: item.style };
    return { ...placed, kind: "said", who: { id: person, name, network: "web" }, at: item.at, content, deliveries: [] };
  }

  #replace(item: Unsent): void {
    this.#keep(item);
    this.#place.unsent.value = this.#place.unsent.value.map((each) => (each.client_id === item.client_id ? item : each));
  }

  #keep(item: Unsent): void {
    keep(this.#storage, this.#sender.me().person, this.#place.id, item);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
