/* All that the page knows of one room. */

import { computed, signal } from "@preact/signals";

import type { Failure } from "../api/failure.ts";
import type { Member, Room } from "../api/types.ts";
import { EMPTY, type Log } from "./log.ts";
import type { Unsent } from "./unsent.ts";

export class Place {
  readonly id: string;
  readonly room = signal<Room | undefined>(undefined);
  readonly log = signal<Log>(EMPTY);
  readonly unsent = signal<readonly Unsent[]>([]);
  readonly members = signal<readonly Member[]>([]);
  readonly typing = signal<readonly { id: string; name: string }[]>([]);
  /** Whether the lines are told as they come; false while it is asked for them. */
  readonly live = signal(false);
  /** Why the room cannot be shown. */
  readonly failure = signal<Failure | undefined>(undefined);
  /** After which number the line "new" stands; it is fixed while somebody looks at the room. */
  readonly newAfter = signal<number | undefined>(undefined);
  /** How often the log was begun anew: who keeps a place in it starts over. */
  readonly resets = signal(0);

  /** Everybody's picture, by the ID of the person. */
  readonly pictures = computed(() => new Map(this.members.value.map((member) => [member.id, member.avatar])));

  constructor(id: string) {
    this.id = id;
  }

  /** Whether the visitor may do something here (see "can" in docs/api.md). */
  can(action: string): boolean {
    return this.room.value?.can.includes(action) ?? false;
  }

  /** Begin the log anew: what was there is no longer known to be whole. */
  reset(): void {
    this.log.value = EMPTY;
    this.resets.value += 1;
  }
}
