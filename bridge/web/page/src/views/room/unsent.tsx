/* A line that is not in the log yet: on its way, or refused and waiting for a decision. */

import type { Place } from "../../store/place.ts";
import type { Unsent } from "../../store/unsent.ts";
import { Failure } from "../../api/failure.ts";
import { failureText, t } from "../../text/strings.ts";
import { hue } from "../../text/people.ts";
import { Face } from "../../ui/face.tsx";
import { Time } from "../../ui/time.tsx";
import { useStore } from "../context.ts";
import { TickMark } from "./tick_mark.tsx";

export function UnsentItem({ item, place, first }: { item: Unsent; place: Place; first: boolean }) {
  const store = useStore();
  const account = store.session.account.value;
  const me = store.session.person;
  const outbox = store.outbox(place);
  const failed = item.failure && t("unsent.failed", { reason: failureText(new Failure(item.failure.code, item.failure.message)) });
  const name = account?.display_name ?? "";
  return (
    <li class={first ? "line said own first unsent" : "line said own unsent"} data-unsent={item.client_id}>
      <div class="line-row">
        <div class="gutter">
          {first && <Face id={me} name={name} picture={place.pictures.value.get(me)} />}
        </div>
        <div class="line-body">
          {first && (
            <div class="line-head">
              <span class={`name hue-${hue(me)}`}>{name}</span>
              <Time at={item.at} />
            </div>
          )}
          <div class={`content ${item.style}`}>{item.text}</div>
          {failed && (
            <div class="why">
              <span>{failed}</span>
              <button type="button" onClick={() => outbox.retry(item)}>
                {t("ui.retry")}
              </button>
              <button type="button" onClick={() => outbox.discard(item)}>
                {t("unsent.discard")}
              </button>
            </div>
          )}
        </div>
        <div class="line-end">
          <TickMark tick={failed ? { mark: "failed", words: failed } : { mark: "sending", words: t("tick.sending") }} />
        </div>
      </div>
    </li>
  );
}
