/* The rooms of the page: those that the visitor is in, and others that are looked at. */

import { computed, signal } from "@preact/signals";

import type { Badge, Room } from "../api/types.ts";
import { Place } from "./place.ts";

export class Places {
  readonly #places = new Map<string, Place>();
  /** The IDs of the rooms that the visitor is in. */
  readonly #joined = signal<readonly string[]>([]);
  /** Whether the server has said which these are. */
  readonly known = signal(false);

  /** The rooms that the visitor is in, those where somebody names them first, then by name. */
  readonly list = computed(() => {
    const found = this.#joined.value.map((id) => this.at(id)).filter((place) => place.room.value);
    return found.sort((a, b) => compare(a.room.value as Room, b.room.value as Room));
  });

  /** How many rooms have unread lines, and how many lines name the visitor. */
  readonly news = computed(() => {
    const rooms = this.list.value.map((place) => place.room.value as Room);
    return { unread: rooms.filter((room) => room.unread > 0).length, mentions: rooms.reduce((sum, room) => sum + room.mentions, 0) };
  });

  /** The place of a room, made when it is asked for the first time. */
  at(id: string): Place {
    let place = this.#places.get(id);
    if (!place) this.#places.set(id, (place = new Place(id)));
    return place;
  }

  /** Every place that there is. */
  all(): Iterable<Place> {
    return this.#places.values();
  }

  /** Learn all rooms that the visitor is in. */
  welcome(rooms: readonly Room[]): void {
    const now = new Set(rooms.map((room) => room.id));
    for (const id of this.#joined.value) if (!now.has(id)) this.#leave(id);
    for (const room of rooms) this.at(room.id).room.value = room;
    this.#joined.value = [...now];
    this.known.value = true;
  }

  /** Learn of one room as the visitor sees it. */
  put(room: Room): Place {
    const place = this.at(room.id);
    place.room.value = { ...place.room.value, ...room };
    place.failure.value = undefined;
    const joined = this.#joined.value.includes(room.id);
    if (room.joined && !joined) this.#joined.value = [...this.#joined.value, room.id];
    if (!room.joined && joined) this.#joined.value = this.#joined.value.filter((id) => id !== room.id);
    return place;
  }

  /** Learn what changed of a room; what is personal is not part of it. */
  changed(room: Partial<Room> & { id: string }): void {
    const known = this.#places.get(room.id)?.room;
    if (!known?.value) return;
    // A direct conversation is called after the other one, by each of the two.
    const { name, direct_with: other } = known.value;
    known.value = { ...known.value, ...room, ...(other && { name }) };
  }

  /** Learn how much is unread. */
  badge(id: string, badge: Badge): void {
    const { last_seq, marker, unread, mentions } = badge;
    this.changed({ id, last_seq, marker, unread, mentions });
  }

  /** The visitor is no longer in a room. */
  left(id: string): void {
    this.#joined.value = this.#joined.value.filter((each) => each !== id);
    this.#leave(id);
  }

  /** Forget everything: somebody else may sign in. */
  clear(): void {
    this.#joined.value = [];
    this.known.value = false;
    this.#places.clear();
  }

  #leave(id: string): void {
    this.changed({ id, joined: false, role: null, can: [], unread: 0, mentions: 0 });
  }
}

const names = new Intl.Collator(undefined, { numeric: true });

function compare(a: Room, b: Room): number {
  return Number(b.mentions > 0) - Number(a.mentions > 0) || names.compare(a.name, b.name) || (a.id < b.id ? -1 : 1);
}
