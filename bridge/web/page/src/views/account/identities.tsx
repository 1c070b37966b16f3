/* The accounts of other providers with which one may sign in here. */

import { useState } from "preact/hooks";

import { call } from "../../api/call.ts";
import { t } from "../../text/strings.ts";
import { shortTime } from "../../text/time.ts";
import { type Loaded, Show, useLoaded } from "../../ui/loaded.tsx";
import { Confirm } from "../../ui/confirm.tsx";
import { attempt } from "../../ui/notice.tsx";
import { useStore } from "../context.ts";

interface Identity {
  id: string;
  provider: string;
  title: string;
  subject: string;
  created_at: number;
}

interface Found {
  identities: Identity[];
}

export function Identities() {
  const loaded = useLoaded("identities", () => call<Found>("GET", "/account/identities"));
  return <Show loaded={loaded}>{({ identities }) => <List identities={identities} loaded={loaded} />}</Show>;
}

function List({ identities, loaded }: { identities: Identity[]; loaded: Loaded<Found> }) {
  const server = useStore().session.server.value;
  const [asked, setAsked] = useState<Identity | undefined>(undefined);
  const sso = server?.matrix.sso ? [{ id: "matrix", title: "Matrix" }] : [];
  const bound = new Set(identities.map((identity) => identity.provider));
  const others = [...(server?.oidc ?? []), ...sso].filter((provider) => !bound.has(provider.id));
  const bind = (provider: string) =>
    attempt(async () => {
      const { url } = await call<{ url: string }>("POST", "/account/identities", { provider, next: "/account" });
      location.assign(url);
    });
  return (
    <>
      {identities.length > 0 && (
        <ul class="facts">
          {identities.map((identity) => (
            <li key={identity.id}>
              <span>
                <strong>{identity.title}</strong> <span class="hint">{identity.subject}</span>
              </span>
              <span class="hint">{t("identities.since", { time: shortTime(identity.created_at) })}</span>
              <button type="button" class="quiet" onClick={() => setAsked(identity)}>
                {t("identities.unbind")}
              </button>
            </li>
          ))}
        </ul>
      )}
      <div class="row wrap">
        {others.map((provider) => (
          <button key={provider.id} type="button" onClick={() => bind(provider.id)}>
            {t("identities.bind", { provider: provider.title })}
          </button>
        ))}
      </div>
      {asked && (
        <Confirm
          title={t("identities.unbind")}
          action={t("identities.unbind")}
          onConfirm={async () => {
            await call("DELETE", `/account/identities/${encodeURIComponent(asked.id)}`);
            await loaded.load();
          }}
          onClose={() => setAsked(undefined)}
        >
          <p>{t("identities.unbind_sure", { provider: asked.title })}</p>
        </Confirm>
      )}
    </>
  );
}
