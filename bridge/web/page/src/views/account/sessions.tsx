/* Where one is signed in, and the ways to end that. */

import { call } from "../../api/call.ts";
import type { Session } from "../../api/types.ts";
import { t } from "../../text/strings.ts";
import { type Loaded, Show, useLoaded } from "../../ui/loaded.tsx";
import { attempt } from "../../ui/notice.tsx";
import { Time } from "../../ui/time.tsx";
import { agentName } from "./agent.ts";

interface Found {
  sessions: Session[];
}

export function Sessions() {
  const loaded = useLoaded("sessions", () => call<Found>("GET", "/account/sessions"));
  return <Show loaded={loaded}>{({ sessions }) => <List sessions={sessions} loaded={loaded} />}</Show>;
}

function List({ sessions, loaded }: { sessions: Session[]; loaded: Loaded<Found> }) {
  const end = (path: string) =>
    attempt(async () => {
      await call("DELETE", path);
      await loaded.load();
    });
  return (
    <>
      <ul class="facts">
        {sessions.map((session) => (
          <li key={session.id}>
            <span>
              <strong>{agentName(session.agent) || t("sessions.unknown")}</strong> {session.current && <span class="badge">{t("sessions.current")}</span>}
            </span>
            <span class="hint">
              {session.address} · <Time at={session.used_at} form="ago" />
            </span>
            {!session.current && (
              <button type="button" class="quiet" onClick={() => end(`/account/sessions/${encodeURIComponent(session.id)}`)}>
                {t("account.sign_out")}
              </button>
            )}
          </li>
        ))}
      </ul>
      {sessions.length > 1 && (
        <button type="button" onClick={() => end("/account/sessions")}>
          {t("sessions.end_others")}
        </button>
      )}
    </>
  );
}
