/* The head of a room: what it is called and about, and the ways to who is in it and how it is set. */

import type { Room } from "../../api/types.ts";
import type { Place } from "../../store/place.ts";
import { roomPath } from "../../store/route.ts";
import { n, t, whole } from "../../text/strings.ts";
import { Icon } from "../../ui/icon.tsx";
import { drawer, peopleColumn, togglePeople } from "../frame/drawers.ts";
import { MenuButton } from "../frame/menu_button.tsx";
import { RoomFace } from "../room_face.tsx";

export function Head({ place, room }: { place: Place; room: Room }) {
  const count = Math.max(room.members, place.members.value.length);
  return (
    <header class="head">
      <MenuButton />
      <RoomFace room={room} size="small" />
      <div class="head-title">
        <h1 class="ellipsis">{room.name}</h1>
        {room.topic && (
          <p class="ellipsis" title={room.topic}>
            {room.topic}
          </p>
        )}
      </div>
      {room.archived && <span class="badge">{t("room.archived")}</span>}
      <button
        type="button"
        class="plain counted"
        id="people-button"
        aria-label={n("room.show_people", count)}
        aria-expanded={drawer.value === "people" || peopleColumn.value}
        onClick={togglePeople}
      >
        <Icon name="people" />
        <span aria-hidden="true">{whole(count)}</span>
      </button>
      {room.joined && (
        <a class="plain" href={roomPath(room.id, "settings")} aria-label={t("settings.title")}>
          <Icon name="settings" />
        </a>
      )}
    </header>
  );
}
