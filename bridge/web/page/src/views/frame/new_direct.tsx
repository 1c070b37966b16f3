/* Beginning a conversation with one person. */

import { useState } from "preact/hooks";

import { call, query } from "../../api/call.ts";
import type { Room } from "../../api/types.ts";
import { go } from "../../store/address.ts";
import { roomPath } from "../../store/route.ts";
import type { Store } from "../../store/store.ts";
import { t } from "../../text/strings.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { Face } from "../../ui/face.tsx";
import { Show, useLoaded } from "../../ui/loaded.tsx";
import { attempt } from "../../ui/notice.tsx";
import { Empty } from "../../ui/states.tsx";
import { useStore } from "../context.ts";
import { useSettled } from "../settled.ts";
import { closeDrawer } from "./drawers.ts";

interface Found {
  people: { id: string; name: string; login?: string; avatar: string }[];
}

/** Go to the conversation with a person; it is made where there is none. */
export async function talkTo(store: Store, person: string): Promise<void> {
  const room = await call<Room>("POST", "/direct", { person });
  store.places.put(room);
  closeDrawer();
  go(roomPath(room.id));
}

export function NewDirect({ onClose }: { onClose(): void }) {
  const [typed, setTyped] = useState("");
  const wanted = useSettled(typed.trim());
  return (
    <Dialog title={t("direct.title")} onClose={onClose}>
      <input type="search" placeholder={t("direct.search")} aria-label={t("direct.search")} value={typed} onInput={(event) => setTyped(event.currentTarget.value)} autoFocus />
      {wanted ? <People wanted={wanted} onClose={onClose} /> : <p class="hint">{t("direct.hint")}</p>}
    </Dialog>
  );
}

function People({ wanted, onClose }: { wanted: string; onClose(): void }) {
  const store = useStore();
  const loaded = useLoaded(wanted, () => call<Found>("GET", query("/people", { q: wanted })));
  const choose = async (person: string) => {
    if (await attempt(() => talkTo(store, person))) onClose();
  };
  return (
    <Show loaded={loaded}>
      {({ people }) =>
        people.length ? (
          <ul class="choices">
            {people.map((person) => (
              <li key={person.id}>
                <button type="button" onClick={() => choose(person.id)}>
                  <Face id={person.id} name={person.name} picture={person.avatar} size="small" />
                  <span class="ellipsis">{person.name}</span>
                </button>
              </li>
            ))}
          </ul>
        ) : (
          <Empty>{t("direct.nobody")}</Empty>
        )
      }
    </Show>
  );
}
