/* What happens when somebody has signed in: where they wanted to go is where they go. */

import { go, search } from "../../store/address.ts";
import { localPath } from "../../store/route.ts";
import type { Store } from "../../store/store.ts";
import type { Account } from "../../api/types.ts";

/** What signing in answers; the token stays in the cookie. */
export interface Entered {
  account: Account;
}

/** The path to go to after signing in. */
export function following(): string {
  return localPath(search.value.get("next"), "/rooms");
}

/** The same door, with the way back kept. */
export function doorPath(door: string): string {
  const next = search.value.get("next");
  return next ? `${door}?next=${encodeURIComponent(next)}` : door;
}

/** Let somebody in. */
export function enter(store: Store, answer: Entered, to: string = following()): void {
  store.signedIn(answer.account);
  go(to, { replace: true });
}
