/* Rooms one below the other, with what there is to know before one goes there. */

import type { ComponentChildren } from "preact";

import type { Room } from "../api/types.ts";
import { roomPath } from "../store/route.ts";
import { n, t } from "../text/strings.ts";
import { RoomFace } from "./room_face.tsx";

interface Props {
  rooms: Room[];
  /** What stands at the end of a room's row. */
  end?: (room: Room) => ComponentChildren;
}

export function RoomTiles({ rooms, end }: Props) {
  return (
    <ul class="tiles">
      {rooms.map((room) => (
        <li key={room.id}>
          <a class="tile" href={roomPath(room.id)}>
            <RoomFace room={room} />
            <span class="tile-text">
              <span class="tile-name">
                <span class="ellipsis">{room.name}</span>
                {room.access === "invite" && <span class="badge">{t("settings.invite_only")}</span>}
                {room.archived && <span class="badge">{t("room.archived")}</span>}
              </span>
              {room.topic && <span class="tile-topic">{room.topic}</span>}
              <span class="tile-small">
                {n("rooms.members", room.members)}
                {room.alias && ` · ${room.alias}`}
              </span>
            </span>
            {room.unread > 0 && <span class={room.mentions ? "count mention" : "count"}>{room.unread > 99 ? "99+" : room.unread}</span>}
          </a>
          {end?.(room)}
        </li>
      ))}
    </ul>
  );
}
