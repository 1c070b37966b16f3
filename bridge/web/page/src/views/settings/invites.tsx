/* Invitations by link: to a room, or to the server. A link is shown once, when it is made. */

import { useSignal } from "@preact/signals";
import { useState } from "preact/hooks";

import { call } from "../../api/call.ts";
import type { Invite } from "../../api/types.ts";
import { n, t } from "../../text/strings.ts";
import { shortTime } from "../../text/time.ts";
import { useAct } from "../../ui/act.ts";
import { Copy } from "../../ui/copy.tsx";
import { Check, Choice } from "../../ui/field.tsx";
import { Form } from "../../ui/form.tsx";
import { type Loaded, Show, useLoaded } from "../../ui/loaded.tsx";
import { attempt } from "../../ui/notice.tsx";
import { Empty } from "../../ui/states.tsx";
import { useStore } from "../context.ts";

interface Made {
  invite: Invite;
  url: string;
}

const DAY = 86_400;

export function Invites({ path, inRoom = false }: { path: string; inRoom?: boolean }) {
  const loaded = useLoaded(path, () => call<{ invites: Invite[] }>("GET", path));
  const url = useSignal("");
  return (
    <>
      <NewInvite
        path={path}
        inRoom={inRoom}
        onMade={(made) => {
          url.value = made.url;
          void loaded.load();
        }}
      />
      {url.value && (
        <div class="made" role="status">
          <p>{t("invites.once")}</p>
          <Copy text={url.value} label={t("invites.link")} />
        </div>
      )}
      <Show loaded={loaded}>{({ invites }) => <List path={path} invites={invites} loaded={loaded} />}</Show>
    </>
  );
}

function NewInvite({ path, inRoom, onMade }: { path: string; inRoom: boolean; onMade(made: Made): void }) {
  const server = useStore().session.server.value;
  const act = useAct();
  const [expires, setExpires] = useState(String(7 * DAY));
  const [uses, setUses] = useState("");
  const [guests, setGuests] = useState(false);
  const submit = async () => {
    const body = { ...(expires && { expires_in: Number(expires) }), ...(uses && { max_uses: Number(uses) }), ...(inRoom && { guests }) };
    onMade(await call<Made>("POST", path, body));
  };
  return (
    <Form act={act} fields={["expires_in", "max_uses"]} onSubmit={submit} label={t("invites.new")}>
      <div class="columns">
        <Choice
          act={act}
          name="expires_in"
          label={t("invites.expires")}
          value={expires}
          onValue={setExpires}
          options={[
            ...[1, 7, 30].map((days) => ({ value: String(days * DAY), label: n("invites.days", days) })),
            { value: "", label: t("invites.never") },
          ]}
        />
        <Choice
          act={act}
          name="max_uses"
          label={t("invites.uses")}
          value={uses}
          onValue={setUses}
          options={[...[1, 5, 25, 100].map((count) => ({ value: String(count), label: n("invites.times", count) })), { value: "", label: t("invites.any") }]}
        />
      </div>
      {inRoom && server?.guests && <Check label={t("invites.guests")} checked={guests} onChecked={setGuests} />}
      <div class="row">
        <button class="main" disabled={act.busy.value}>
          {t("invites.new")}
        </button>
      </div>
    </Form>
  );
}

function List({ path, invites, loaded }: { path: string; invites: Invite[]; loaded: Loaded<unknown> }) {
  if (!invites.length) return <Empty icon="link">{t("invites.none")}</Empty>;
  const revoke = (invite: Invite) =>
    attempt(async () => {
      await call("DELETE", `${path}/${encodeURIComponent(invite.id)}`);
      await loaded.load();
    });
  return (
    <ul class="facts">
      {invites.map((invite) => (
        <li key={invite.id}>
          <span>
            {invite.max_uses ? t("invites.used_of", { uses: invite.uses, most: invite.max_uses }) : n("invites.used", invite.uses)}
            {invite.guests && <span class="badge">{t("role.guest")}</span>}
          </span>
          <span class="hint">{invite.expires_at ? t("invite.until", { time: shortTime(invite.expires_at) }) : t("invites.never")}</span>
          <button type="button" class="quiet" onClick={() => revoke(invite)}>
            {t("invites.revoke")}
          </button>
        </li>
      ))}
    </ul>
  );
}
