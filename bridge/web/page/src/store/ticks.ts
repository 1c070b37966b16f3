/* What a line's deliveries come to. One tick: in our log. Two: delivered on every link. */

import type { Delivery } from "../api/types.ts";
import { networkName, t } from "../text/strings.ts";
import { isOver } from "./log.ts";

export type Mark = "sending" | "logged" | "delivered" | "failed";

export interface Tick {
  readonly mark: Mark;
  /** What a pointer or a screen reader gets. */
  readonly words: string;
}

/** Judge the deliveries of one's own line: the worst of them counts. */
export function judge(deliveries: readonly Delivery[]): Tick {
  const dead = deliveries.find((each) => each.state === "dead");
  if (dead) return { mark: "failed", words: t("tick.failed", values(dead)) };
  const open = deliveries.find((each) => !isOver(each.state));
  if (open) return { mark: "logged", words: open.reason ? t("tick.waiting_why", values(open)) : t("tick.waiting", values(open)) };
  const skipped = deliveries.find((each) => each.state === "skipped");
  if (skipped) return { mark: "logged", words: t("tick.skipped", values(skipped)) };
  return deliveries.length ? { mark: "delivered", words: t("tick.delivered") } : { mark: "logged", words: t("tick.logged") };
}

function values(delivery: Delivery): { network: string; reason: string } {
  return { network: networkName(delivery.network), reason: delivery.reason ?? "" };
}
