/* Opens the rooms where they have no column of their own, and says whether there is something new in them. */

import { t } from "../../text/strings.ts";
import { Icon } from "../../ui/icon.tsx";
import { useStore } from "../context.ts";
import { drawer } from "./drawers.ts";

export function MenuButton() {
  const { unread, mentions } = useStore().places.news.value;
  const open = () => {
    drawer.value = "rooms";
    requestAnimationFrame(() => document.querySelector<HTMLElement>(".rail a, .rail button")?.focus());
  };
  return (
    <button type="button" class="plain menu-button" aria-label={t("rail.show")} aria-expanded={drawer.value === "rooms"} onClick={open}>
      <Icon name="menu" />
      {(unread > 0 || mentions > 0) && <span class={mentions ? "dot mention" : "dot"} aria-hidden="true" />}
    </button>
  );
}
