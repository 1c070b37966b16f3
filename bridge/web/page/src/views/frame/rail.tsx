/* The rooms at the side: filter, badges, ways to more rooms, and oneself. */

import { useState } from "preact/hooks";

import type { Room } from "../../api/types.ts";
import { route } from "../../store/address.ts";
import type { Place } from "../../store/place.ts";
import { roomPath } from "../../store/route.ts";
import { t } from "../../text/strings.ts";
import { Face } from "../../ui/face.tsx";
import { Icon } from "../../ui/icon.tsx";
import { Logo } from "../../ui/logo.tsx";
import { Loading } from "../../ui/states.tsx";
import { useStore } from "../context.ts";
import { RoomFace } from "../room_face.tsx";
import { closeDrawer } from "./drawers.ts";
import { NewDirect } from "./new_direct.tsx";
import { NewRoom } from "./new_room.tsx";

const FILTER_FROM = 8;

export function Rail() {
  const { places, session } = useStore();
  const [filter, setFilter] = useState("");
  const [making, setMaking] = useState<"room" | "direct" | undefined>(undefined);
  const account = session.account.value;
  const guest = account?.kind === "guest";
  const list = places.list.value;
  return (
    <nav class="rail" aria-label={t("rail.title")}>
      <header>
        <a class="brand" href="/rooms">
          <Logo />
          <span>{session.server.value?.name || "Rialto"}</span>
        </a>
        <button type="button" class="plain narrow-only" aria-label={t("ui.close")} onClick={closeDrawer}>
          <Icon name="close" />
        </button>
      </header>
      {list.length >= FILTER_FROM && (
        <input type="search" class="filter" placeholder={t("rail.filter")} aria-label={t("rail.filter")} value={filter} onInput={(event) => setFilter(event.currentTarget.value)} />
      )}
      <RoomList list={list} filter={filter} />
      <div class="rail-ways">
        <a href="/directory" onClick={closeDrawer} aria-current={route.value.view === "directory" ? "page" : undefined}>
          <Icon name="compass" />
          {t("directory.title")}
        </a>
        {!guest && (
          <button type="button" onClick={() => setMaking("room")}>
            <Icon name="plus" />
            {t("newroom.title")}
          </button>
        )}
        {!guest && (
          <button type="button" onClick={() => setMaking("direct")}>
            <Icon name="message" />
            {t("direct.title")}
          </button>
        )}
      </div>
      {account && (
        <a class="me" href="/account" onClick={closeDrawer} aria-current={route.value.view === "account" ? "page" : undefined}>
          <Face id={account.person} name={account.display_name} picture={account.avatar} size="small" />
          <span class="ellipsis">{account.display_name}</span>
          <Icon name="settings" />
        </a>
      )}
      {making === "room" && <NewRoom onClose={() => setMaking(undefined)} />}
      {making === "direct" && <NewDirect onClose={() => setMaking(undefined)} />}
    </nav>
  );
}

function RoomList({ list, filter }: { list: readonly Place[]; filter: string }) {
  const { places } = useStore();
  const here = route.value;
  const wanted = filter.trim().toLocaleLowerCase();
  const shown = list.filter((place) => place.room.value?.name.toLocaleLowerCase().includes(wanted));
  if (!places.known.value) return <Loading />;
  if (!list.length) return <p class="rail-empty">{t("rail.none")}</p>;
  if (!shown.length) return <p class="rail-empty">{t("rail.no_match")}</p>;
  return (
    <ul class="rail-rooms">
      {shown.map((place) => (
        <RoomLink key={place.id} place={place} current={here.view === "room" && here.room === place.id} />
      ))}
    </ul>
  );
}

function RoomLink({ place, current }: { place: Place; current: boolean }) {
  const room = place.room.value;
  if (!room) return null;
  const waiting = place.unsent.value.length > 0;
  return (
    <li>
      <a href={roomPath(room.id)} class={room.unread && !current ? "unread" : undefined} aria-current={current ? "page" : undefined} onClick={closeDrawer}>
        <RoomFace room={room} size="small" />
        <span class="ellipsis">{room.name}</span>
        {room.archived && <Icon name="archive" />}
        {waiting && <Icon name="sending" />}
        {!current && <Badge room={room} />}
      </a>
    </li>
  );
}

function Badge({ room }: { room: Room }) {
  if (room.mentions) {
    return (
      <span class="count mention" aria-label={t("rail.mentions", { count: capped(room.mentions) })}>
        @{capped(room.mentions)}
      </span>
    );
  }
  if (!room.unread) return null;
  return (
    <span class="count" aria-label={t("rail.unread", { count: capped(room.unread) })}>
      {capped(room.unread)}
    </span>
  );
}

/** The server counts up to a hundred. */
function capped(count: number): string {
  return count > 99 ? "99+" : String(count);
}
