/* How each network is. */

import { computed, signal } from "@preact/signals";

import type { Room, Status } from "../api/types.ts";

export class Statuses {
  readonly #all = signal<ReadonlyMap<string, Status>>(new Map());

  /** The networks that are not up, by name. */
  readonly troubled = computed(() => new Map([...this.#all.value].filter(([, status]) => status.health !== "up")));

  /** Learn how all are. */
  welcome(statuses: readonly Status[]): void {
    this.#all.value = new Map(statuses.map((status) => [status.network, status]));
  }

  /** Learn how one is. */
  put(status: Status): void {
    this.#all.value = new Map(this.#all.value).set(status.network, status);
  }

  /** The trouble of the networks that a room is linked with: trouble elsewhere is not told there. */
  of(room: Room): Status[] {
    return room.links.map((link) => this.troubled.value.get(link.network)).filter((status) => status !== undefined);
  }
}
