/* One WebSocket to the server: greeting, requests and their answers, pings, and an end that is told once. */

import { Failure, unreachable } from "./failure.ts";
import type { Frame, Welcome } from "./types.ts";

/** As much of a browser's WebSocket as is used; tests bring their own. */
export interface Wire {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  send(text: string): void;
  close(code?: number): void;
}

export interface Listener {
  /** Each frame that the server sends by itself, in order. */
  frame(frame: Frame): void;
  /** The connection is over: called once, also when it never came about. */
  ended(code: number, reason: string): void;
}

interface Waiting {
  resolve(answer: never): void;
  reject(failure: Failure): void;
  timer: ReturnType<typeof setTimeout>;
}

interface Reply {
  re: number;
  ok?: unknown;
  error?: { code: string; message: string; field?: string; retry_after?: number };
}

export const ANSWER_MS = 20_000;
const GREETING_MS = 15_000;

/** Close code for a connection that fell silent; those from 4000 to 4006 are the server's. */
export const SILENT = 4900;

export class Socket {
  readonly #wire: Wire;
  readonly #listener: Listener;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;
  #over = false;
  #ping: ReturnType<typeof setInterval> | undefined;

  constructor(wire: Wire, listener: Listener) {
    this.#wire = wire;
    this.#listener = listener;
    wire.onmessage = (event) => this.#heard(event.data);
    wire.onclose = (event) => this.#end(event.code, event.reason);
  }

  /** Wait for the connection and greet; `follow` says of each followed room what was seen last. */
  async greet(follow: Record<string, number | null>): Promise<Welcome> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => this.close(SILENT), GREETING_MS);
      this.#waiting.set(0, { resolve: resolve as (answer: never) => void, reject, timer });
      this.#wire.onopen = () => this.#settle(0)?.resolve(undefined as never);
    });
    return this.request<Welcome>("hello", { follow });
  }

  /** Ask something; throws `Failure`: what the server refused, or `unreachable` when no answer came. */
  request<T = unknown>(op: string, fields: object = {}): Promise<T> {
    if (this.#over) return Promise.reject(unreachable());
    const id = this.#next++;
    return new Promise<T>((resolve, reject) => {
      // Without its answer nobody knows how the connection stands: a new one will tell.
      const timer = setTimeout(() => this.close(SILENT), ANSWER_MS);
      this.#waiting.set(id, { resolve, reject, timer });
      this.#wire.send(JSON.stringify({ id, op, ...fields }));
    });
  }

  /** Ping every so often; `ack` says up to where each room was seen. */
  keepAlive(seconds: number, ack: () => Record<string, number>): void {
    clearInterval(this.#ping);
    this.#ping = setInterval(() => {
      // A ping without an answer ends the connection by itself.
      this.request("ping", { ack: ack() }).catch(() => undefined);
    }, seconds * 1000);
  }

  /** End the connection; who waits for an answer is told that there is none. */
  close(code = 1000): void {
    if (this.#over) return;
    this.#wire.onopen = this.#wire.onmessage = this.#wire.onclose = null;
    // A browser lets pages close with 1000 and 3000 to 4999 only.
    this.#wire.close(code);
    this.#end(code, "");
  }

  #heard(data: unknown): void {
    let frame: Reply | Frame;
    try {
      frame = JSON.parse(String(data)) as Reply | Frame;
    } catch {
      console.warn("the server sent something that is no JSON");
      return;
    }
    if ("re" in frame) this.#answered(frame);
    else this.#listener.frame(frame);
  }

  #answered(reply: Reply): void {
    const waiting = this.#settle(reply.re);
    if (reply.error === undefined) waiting?.resolve((reply.ok ?? {}) as never);
    else {
      const { code, message, field, retry_after } = reply.error;
      waiting?.reject(new Failure(code, message, { field, retryAfter: retry_after ?? 0 }));
    }
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    if (waiting) clearTimeout(waiting.timer);
    this.#waiting.delete(id);
    return waiting;
  }

  #end(code: number, reason: string): void {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#ping);
    for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(unreachable());
    this.#listener.ended(code, reason);
  }
}
