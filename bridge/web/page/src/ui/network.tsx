/* Where somebody comes from. */

import { networkName } from "../text/strings.ts";

/** The badge of a network; people who are from here have none. */
export function Network({ of }: { of: string }) {
  return of === "web" || of === "rialto" ? null : <span class="badge">{networkName(of)}</span>;
}
