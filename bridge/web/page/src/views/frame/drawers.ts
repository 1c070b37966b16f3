/* Which side panel is open. On a wide page both have their own column; on a narrow one they are drawers over it. */

import { signal } from "@preact/signals";

export const drawer = signal<"rooms" | "people" | undefined>(undefined);

/** Whether the people have their column on a wide page; the choice stays in this browser. */
export const peopleColumn = signal(localStorage.getItem("rialto.people") !== "hidden");

const NARROW = matchMedia("(max-width: 1080px)");

/** Show who is here, or hide them: as a drawer where there is no room for a column. */
export function togglePeople(): void {
  if (NARROW.matches) drawer.value = drawer.value === "people" ? undefined : "people";
  else {
    peopleColumn.value = !peopleColumn.value;
    if (peopleColumn.value) localStorage.removeItem("rialto.people");
    else localStorage.setItem("rialto.people", "hidden");
  }
}

export function closeDrawer(): void {
  drawer.value = undefined;
}
