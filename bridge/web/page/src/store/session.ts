/* Who is signed in, and what the server is. */

import { signal } from "@preact/signals";

import { call } from "../api/call.ts";
import { type Failure, asFailure } from "../api/failure.ts";
import type { Account, Limits, Server } from "../api/types.ts";

const LIMITS: Limits = {
  text_bytes: 16_384,
  name_chars: 80,
  topic_chars: 1_000,
  display_name_chars: 64,
  avatar_bytes: 1_048_576,
  password_chars: 8,
};

export class Session {
  readonly account = signal<Account | undefined>(undefined);
  readonly server = signal<Server | undefined>(undefined);
  /** Why nothing is known of the server. */
  readonly failure = signal<Failure | undefined>(undefined);

  /** Ask what the server is, if that is not known. */
  async load(): Promise<void> {
    if (this.server.value) return;
    try {
      this.server.value = await call<Server>("GET", "/server");
      this.failure.value = undefined;
    } catch (error) {
      this.failure.value = asFailure(error);
    }
  }

  /** The server's limits; the usual ones until they are known. */
  get limits(): Limits {
    return this.server.value?.limits ?? LIMITS;
  }

  /** The person that the visitor's lines are by. */
  get person(): string {
    return this.account.value?.person ?? "";
  }
}
