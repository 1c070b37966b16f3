/* Which rooms are followed, and how their logs are filled: at once after a reconnect, upward when one scrolls. */

import { asFailure } from "../api/failure.ts";
import type { Line, Room } from "../api/types.ts";
import { older, trimmed } from "./log.ts";
import type { Place } from "./place.ts";
import type { Places } from "./places.ts";

/** So many rooms are followed at once: the one in view, and those that were before it. */
const FOLLOWED = 6;
const PAGE = 50;
const KEPT_LINES = 400;

type Request = <T>(op: string, fields: object) => Promise<T>;

export class Follower {
  readonly #request: Request;
  readonly #places: Places;
  /** The present one is the last. */
  #followed: string[] = [];
  readonly #loading = new Set<string>();

  constructor(request: Request, places: Places) {
    this.#request = request;
    this.#places = places;
  }

  /** Look at a room: what is missing of it comes, and it is told on from then. */
  look(id: string): Place {
    const place = this.#places.at(id);
    const known = this.#followed.includes(id);
    this.#followed = [...this.#followed.filter((each) => each !== id), id];
    while (this.#followed.length > FOLLOWED) this.#drop(this.#followed.shift() as string);
    if (!known || place.failure.value) void this.#follow(place);
    return place;
  }

  /** The connection is new: take up every room again, that in view first. */
  again(): void {
    for (const id of this.#followed.toReversed()) void this.#follow(this.#places.at(id));
  }

  /** The connection is lost: nothing is told any more. */
  lost(): void {
    for (const id of this.#followed) this.#places.at(id).live.value = false;
  }

  /** Up to where each followed room was seen. */
  seen(): Record<string, number> {
    const found = this.#followed.map((id) => [id, this.#places.at(id).log.value.seen] as const);
    return Object.fromEntries(found.filter(([, seen]) => seen !== null)) as Record<string, number>;
  }

  /** Forget everything. */
  clear(): void {
    this.#followed = [];
  }

  /** Load the page before the first line. Returns whether there is more; throws `Failure`. */
  async older(place: Place, limit: number = PAGE): Promise<boolean> {
    const { lines, complete, seen } = place.log.value;
    if (complete) return false;
    if (seen === null || this.#loading.has(place.id)) return true;
    this.#loading.add(place.id);
    const resets = place.resets.value;
    try {
      const before = lines[0]?.seq ?? seen + 1;
      const { events } = await this.#request<{ events: Line[] }>("page", { room: place.id, before, limit });
      // Between the question and its answer the log may have begun anew.
      if (place.resets.value === resets) place.log.value = older(place.log.value, events);
      return events.length > 0;
    } finally {
      this.#loading.delete(place.id);
    }
  }

  /** Let go of old lines that nobody looks at. */
  trim(place: Place): void {
    place.log.value = trimmed(place.log.value, KEPT_LINES);
  }

  async #follow(place: Place): Promise<void> {
    try {
      const answer = await this.#request<{ room?: Room }>("follow", { room: place.id, after: place.log.value.seen });
      if (answer.room) this.#places.put(answer.room);
      place.failure.value = undefined;
    } catch (error) {
      const failure = asFailure(error);
      // Without a connection: it is asked again with the next one.
      if (failure.code !== "unreachable") place.failure.value = failure;
    }
  }

  #drop(id: string): void {
    this.#places.at(id).live.value = false;
    this.#request("unfollow", { room: id }).catch(() => undefined);
  }
}
