/* Who is in the room: a column on wide pages, a drawer on narrow ones. */

import { useState } from "preact/hooks";

import type { Member, Room } from "../../api/types.ts";
import type { Place } from "../../store/place.ts";
import { roomPath } from "../../store/route.ts";
import { n, t } from "../../text/strings.ts";
import { Face } from "../../ui/face.tsx";
import { Icon } from "../../ui/icon.tsx";
import { Network } from "../../ui/network.tsx";
import { Loading } from "../../ui/states.tsx";
import { useStore } from "../context.ts";
import { closeDrawer, drawer, peopleColumn } from "../frame/drawers.ts";
import { MemberCard } from "./member_card.tsx";
import { roleName } from "./system.tsx";

const SEARCH_FROM = 12;
const SHOWN = 200;

export function Members({ place, room }: { place: Place; room: Room }) {
  const me = useStore().session.person;
  const [wanted, setWanted] = useState("");
  const [chosen, setChosen] = useState("");
  const members = place.members.value;
  const needle = wanted.trim().toLocaleLowerCase();
  const found = members.filter((member) => member.name.toLocaleLowerCase().includes(needle));
  const card = members.find((member) => member.id === chosen);
  if (!peopleColumn.value && drawer.value !== "people") return null;
  return (
    <aside class="people" id="people" aria-label={t("members.title")}>
      <header>
        <h2>{n("members.count", Math.max(members.length, room.members))}</h2>
        <button type="button" class="plain narrow-only" aria-label={t("ui.close")} onClick={closeDrawer}>
          <Icon name="close" />
        </button>
      </header>
      {members.length >= SEARCH_FROM && (
        <input type="search" class="filter" placeholder={t("members.search")} aria-label={t("members.search")} value={wanted} onInput={(event) => setWanted(event.currentTarget.value)} />
      )}
      {!members.length && <Loading />}
      {members.length > 0 && !found.length && <p class="rail-empty">{t("members.no_match")}</p>}
      <ul id="people-list">
        {found.slice(0, SHOWN).map((member) => (
          <Item key={member.id} member={member} me={me} onChoose={() => setChosen(member.id)} />
        ))}
      </ul>
      {found.length > SHOWN && <p class="rail-empty">{n("members.more", found.length - SHOWN)}</p>}
      <footer>
        {room.alias && <p class="alias">{room.alias}</p>}
        {room.can.includes("invite") && !room.direct_with && (
          <a class="button" href={roomPath(room.id, "settings")} onClick={closeDrawer}>
            <Icon name="plus" />
            {t("members.invite")}
          </a>
        )}
      </footer>
      {card && <MemberCard place={place} member={card} onClose={() => setChosen("")} />}
    </aside>
  );
}

function Item({ member, me, onChoose }: { member: Member; me: string; onChoose(): void }) {
  const role = member.role === "member" ? "" : roleName(member.role);
  return (
    <li>
      <button type="button" onClick={onChoose}>
        <Face id={member.id} name={member.name} picture={member.avatar} size="small" />
        <span class="who">
          <span class="ellipsis">{member.id === me ? t("members.you", { name: member.name }) : member.name}</span>
          {role && <small>{role}</small>}
        </span>
        <Network of={member.network} />
      </button>
    </li>
  );
}
