/* The page of somebody who is signed in: the rooms at the side, what they look at beside them. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

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

function skip(event: Event): void {
  event.preventDefault();
  document.querySelector<HTMLElement>("#write, main")?.focus();
}
