/* The browser's address bar and history. */

import { computed, signal } from "@preact/signals";

import { parse } from "./route.ts";

const path = signal(location.pathname);

/** The query of the present address. */
export const search = signal(new URLSearchParams(location.search));
export const route = computed(() => parse(path.value));

function changed(): void {
  search.value = new URLSearchParams(location.search);
  path.value = location.pathname;
}

/** Go to a path on this page; with `replace` the way back skips the present one. */
export function go(to: string, { replace = false } = {}): void {
  if (replace) history.replaceState(null, "", to);
  else if (to !== location.pathname + location.search) history.pushState(null, "", to);
  changed();
}

/** Follow the browser's own buttons, and links to the page itself. */
export function watchAddress(): void {
  addEventListener("popstate", changed);
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element).closest?.("a[href]");
    if (!(link instanceof HTMLAnchorElement) || link.target || link.origin !== location.origin || link.hasAttribute("download")) return;
    if (parse(link.pathname).view === "nowhere") return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}
