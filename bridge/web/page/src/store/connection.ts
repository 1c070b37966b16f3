/* The connection to the server: dialled again whenever it is lost, with growing pauses, until the visitor signs out. */

import { signal } from "@preact/signals";

import { backoff } from "../api/backoff.ts";
import { type Failure, asFailure, unreachable } from "../api/failure.ts";
import { Socket, type Wire } from "../api/socket.ts";
import type { Frame, Welcome } from "../api/types.ts";

/** `connecting`: for the first time. `lost`: there was one; `reason` says more where it is known. */
export type Phase = "off" | "connecting" | "live" | "lost";

export interface Surroundings {
  dial(): Wire;
  /** The server knows us: what it says at the beginning. */
  welcomed(welcome: Welcome): void;
  frame(frame: Frame): void;
  /** The connection was lost, and is sought again. */
  lost(): void;
  /** The session is over. */
  signedOut(): void;
  /** Up to where each room was seen. */
  seen(): Record<string, number>;
  random?: () => number;
}

const STOPPING = 4000;
const SIGNED_OUT = 4001;
const TOO_MANY = 4004;
const TOO_FAST = 4005;

export class Connection {
  readonly phase = signal<Phase>("off");
  /** Whether the server refuses us because too many pages are open. */
  readonly crowded = signal(false);
  /** Whether the server has another page than this one by now. */
  readonly outdated = signal(false);
  readonly #around: Surroundings;
  readonly #version: string;
  #socket: Socket | undefined;
  /** How many tries in a row have failed. */
  readonly tries = signal(0);
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(version: string, around: Surroundings) {
    this.#version = version;
    this.#around = around;
  }

  /** Connect, and stay connected. */
  start(): void {
    if (this.phase.value !== "off") return;
    this.phase.value = "connecting";
    this.#dial();
  }

  /** End it, for good. */
  stop(): void {
    clearTimeout(this.#retry);
    this.phase.value = "off";
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  /** Something has changed for the better (the network, the tab): try now instead of later. */
  nudge(): void {
    if (this.phase.value === "off" || this.#socket) return;
    this.tries.value = 0;
    this.#dial();
  }

  /** Ask something; throws `Failure`. */
  request<T = unknown>(op: string, fields: object = {}): Promise<T> {
    if (this.phase.value !== "live" || !this.#socket) return Promise.reject(unreachable());
    return this.#socket.request<T>(op, fields);
  }

  #dial(): void {
    clearTimeout(this.#retry);
    let wire: Wire;
    try {
      wire = this.#around.dial();
    } catch (error) {
      this.#lost(0, String(error));
      return;
    }
    const socket: Socket = new Socket(wire, {
      frame: (frame) => socket === this.#socket && this.#around.frame(frame),
      ended: (code, reason) => socket === this.#socket && this.#lost(code, reason),
    });
    this.#socket = socket;
    socket.greet({}).then(
      (welcome) => socket === this.#socket && this.#welcomed(socket, welcome),
      (error: unknown) => socket === this.#socket && this.#refused(socket, asFailure(error)),
    );
  }

  #welcomed(socket: Socket, welcome: Welcome): void {
    this.tries.value = 0;
    this.crowded.value = false;
    this.outdated.value = Boolean(welcome.page) && welcome.page !== this.#version;
    socket.keepAlive(welcome.ping_seconds || 15, () => this.#around.seen());
    this.phase.value = "live";
    this.#around.welcomed(welcome);
  }

  #refused(socket: Socket, failure: Failure): void {
    if (failure.code === "signed_out") this.#signedOut();
    else socket.close(4901);
  }

  #lost(code: number, reason: string): void {
    this.#socket = undefined;
    if (this.phase.value === "off") return;
    if (code === SIGNED_OUT) {
      this.#signedOut();
      return;
    }
    if (reason) console.info("the connection ended:", code, reason);
    this.crowded.value = code === TOO_MANY;
    if (this.phase.value === "live") {
      this.phase.value = "lost";
      this.#around.lost();
    }
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#dial(), this.#pause(code));
  }

  #pause(code: number): number {
    const random = this.#around.random ?? Math.random;
    if (code === TOO_MANY) return 20_000 + 10_000 * random();
    // After a stop everybody comes back: not all in the same moment.
    if (code === STOPPING) return 300 + 1_200 * random();
    return backoff(code === TOO_FAST ? this.tries.value++ + 3 : this.tries.value++, random);
  }

  #signedOut(): void {
    this.stop();
    this.#around.signedOut();
  }
}
