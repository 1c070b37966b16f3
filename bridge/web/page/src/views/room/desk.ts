/* What somebody is doing in a room on this page: the line that they edit, the line that they were led to. */

import { type Signal, signal } from "@preact/signals";

import type { Line } from "../../api/types.ts";
import type { Place } from "../../store/place.ts";

export interface Desk {
  readonly editing: Signal<Line | undefined>;
  /** The number of the line that an address names, once it is in view: it is marked for a moment. */
  readonly flashed: Signal<number | undefined>;
}

const desks = new WeakMap<Place, Desk>();

export function deskOf(place: Place): Desk {
  let desk = desks.get(place);
  if (!desk) desks.set(place, (desk = { editing: signal(undefined), flashed: signal(undefined) }));
  return desk;
}
