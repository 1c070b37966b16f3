/* What each frame of the server changes. */

import type { Frame } from "../api/types.ts";
import { amended, delivered, live, told } from "./log.ts";
import type { Place } from "./place.ts";
import type { Preferences } from "./preferences.ts";
import type { Places } from "./places.ts";
import type { Statuses } from "./statuses.ts";

export interface Told {
  places: Places;
  statuses: Statuses;
  preferences: Preferences;
}

/** Take one frame. Kinds that this page does not know are left alone: a newer server may have more. */
export function take(stores: Told, frame: Frame): void {
  switch (frame.ev) {
    case "status":
      return stores.statuses.put(frame);
    case "settings":
      return stores.preferences.take(frame.settings);
    case "room":
      return stores.places.changed(frame.room);
    case "badge":
      return stores.places.badge(frame.room, frame);
    case "rooms":
      return moved(stores.places, frame);
    default:
      if (typeof frame.room === "string") within(stores, stores.places.at(frame.room), frame);
  }
}

function moved(places: Places, frame: Frame & { ev: "rooms" }): void {
  if (frame.left !== undefined) places.left(frame.left);
  else if (frame.joined) places.put(frame.joined);
}

type Within = Exclude<Frame, { ev: "status" | "settings" | "room" | "badge" | "rooms" }>;

function within(stores: Told, place: Place, frame: Within): void {
  const log = place.log;
  switch (frame.ev) {
    case "line":
      log.value = told(log.value, frame.line);
      return;
    case "amended":
      log.value = amended(log.value, frame.line);
      return;
    case "delivery":
      log.value = delivered(log.value, frame.seq, frame.delivery);
      return;
    case "live":
      log.value = live(log.value, frame.seq);
      place.live.value = true;
      return;
    case "reset":
      place.live.value = false;
      return place.reset();
    case "members":
      place.members.value = frame.members;
      return;
    case "member":
      place.members.value = withMember(place, frame);
      return;
    case "marker":
      // Others' markers are not shown yet; one's own came from another window.
      if (frame.person === undefined) stores.places.changed({ id: place.id, marker: frame.seq });
      return;
    case "typing":
      place.typing.value = frame.people;
      return;
  }
}

function withMember(place: Place, frame: Within & { ev: "member" }): Place["members"]["value"] {
  const gone = frame.left ?? frame.member?.id;
  const others = place.members.value.filter((member) => member.id !== gone);
  if (!frame.member) return others;
  return [...others, frame.member].sort((a, b) => a.name.localeCompare(b.name));
}
