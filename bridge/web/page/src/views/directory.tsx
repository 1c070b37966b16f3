/* The public rooms of this server, to look for one and to come in. */

import { useSignal } from "@preact/signals";
import { useState } from "preact/hooks";

import { call, query } from "../api/call.ts";
import type { Room } from "../api/types.ts";
import { go } from "../store/address.ts";
import { roomPath } from "../store/route.ts";
import { t } from "../text/strings.ts";
import { Show, useLoaded } from "../ui/loaded.tsx";
import { attempt } from "../ui/notice.tsx";
import { Empty } from "../ui/states.tsx";
import { useStore } from "./context.ts";
import { Page } from "./page.tsx";
import { RoomTiles } from "./room_tiles.tsx";
import { useSettled } from "./settled.ts";

interface Found {
  rooms: Room[];
  next?: string;
}

const PAGE = 30;

export function Directory() {
  const [typed, setTyped] = useState("");
  const wanted = useSettled(typed.trim());
  return (
    <Page title={t("directory.title")}>
      <input type="search" class="filter" placeholder={t("directory.search")} aria-label={t("directory.search")} value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
      <Results key={wanted} wanted={wanted} />
    </Page>
  );
}

function Results({ wanted }: { wanted: string }) {
  const more = useSignal<Found>({ rooms: [] });
  const fetch = (after?: string) => call<Found>("GET", query("/directory", { q: wanted, after, limit: PAGE }));
  const first = useLoaded(wanted, () => fetch());
  return (
    <Show loaded={first}>
      {(found) => {
        const rooms = [...found.rooms, ...more.value.rooms];
        const next = more.value.rooms.length ? more.value.next : found.next;
        const goOn = () =>
          attempt(async () => {
            const page = await fetch(next);
            more.value = { ...page, rooms: [...more.value.rooms, ...page.rooms] };
          });
        if (!rooms.length) return <Empty icon="compass">{wanted ? t("directory.no_match") : t("directory.none")}</Empty>;
        return (
          <>
            <RoomTiles rooms={rooms} end={(room) => !room.joined && <Join room={room} />} />
            {next && (
              <button type="button" class="more" onClick={goOn}>
                {t("ui.more")}
              </button>
            )}
          </>
        );
      }}
    </Show>
  );
}

function Join({ room }: { room: Room }) {
  const { places } = useStore();
  const join = () =>
    attempt(async () => {
      places.put(await call<Room>("POST", `/rooms/${encodeURIComponent(room.id)}/join`, {}));
      go(roomPath(room.id));
    });
  return (
    <button type="button" class="join" aria-label={`${t("room.join")}: ${room.name}`} onClick={join}>
      {t("room.join")}
    </button>
  );
}
