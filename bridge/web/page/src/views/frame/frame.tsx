/* The page of somebody who is signed in: the rooms at the side, what they look at beside them. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { route } from "../../store/address.ts";
import { t } from "../../text/strings.ts";
import { Banner } from "./banner.tsx";
import { closeDrawer, drawer } from "./drawers.ts";
import { Rail } from "./rail.tsx";

export function Frame({ children }: { children: ComponentChildren }) {
  const open = drawer.value;
  const opener = useRef<Element | null>(null);
  useEffect(() => {
    if (!open) return undefined;
    opener.current = document.activeElement;
    const escape = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
      event.stopPropagation();
      closeDrawer();
    };
    addEventListener("keydown", escape, true);
    return () => {
      removeEventListener("keydown", escape, true);
      if (opener.current instanceof HTMLElement) opener.current.focus();
    };
  }, [open]);
  useFocus();
  return (
    <div class="frame" data-drawer={open ?? ""}>
      <a class="skip" href="#main" onClick={skip}>
        {t("frame.skip")}
      </a>
      <Rail />
      <div class="stage">
        <Banner />
        {children}
      </div>
      {open && <div class="shade" onClick={closeDrawer} />}
    </div>
  );
}

/** After going somewhere else the keyboard is there too, and not at the link that led there. */
function useFocus(): void {
  const here = route.value;
  const place = "room" in here ? `${here.view} ${here.room} ${here.tab}` : here.view;
  const before = useRef(place);
  useEffect(() => {
    if (before.current === place) return;
    before.current = place;
    const focused = document.activeElement;
    if (!focused || focused === document.body || focused.closest(".rail")) document.getElementById("main")?.focus();
  }, [place]);
}

function skip(event: Event): void {
  event.preventDefault();
  document.querySelector<HTMLElement>("#write, main")?.focus();
}
