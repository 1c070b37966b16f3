/* What is wrong between here and the server, and that there is a new page; it goes by itself when it is not so any more. */

import { t } from "../../text/strings.ts";
import { useStore } from "../context.ts";

export function Banner() {
  const { connection } = useStore();
  const phase = connection.phase.value;
  const away = phase === "lost" || (phase === "connecting" && connection.tries.value > 0);
  return (
    <div role="status">
      {away && <p class="banner bad">{connection.crowded.value ? t("banner.crowded") : t("banner.offline")}</p>}
      {connection.outdated.value && (
        <p class="banner">
          {t("banner.outdated")}{" "}
          <button type="button" class="link" onClick={() => location.reload()}>
            {t("banner.reload")}
          </button>
        </p>
      )}
    </div>
  );
}
