/* An invitation: to where, and the ways to follow it. */

import { useState } from "preact/hooks";

import { call } from "../../api/call.ts";
import type { Preview, Room } from "../../api/types.ts";
import { go } from "../../store/address.ts";
import { roomPath } from "../../store/route.ts";
import { n, t } from "../../text/strings.ts";
import { shortTime } from "../../text/time.ts";
import { useAct } from "../../ui/act.ts";
import { Face } from "../../ui/face.tsx";
import { Field } from "../../ui/field.tsx";
import { Form } from "../../ui/form.tsx";
import { Show, useLoaded } from "../../ui/loaded.tsx";
import { useStore } from "../context.ts";
import { Door } from "./door.tsx";
import { type Entered, enter } from "./enter.ts";

export function Invite({ token }: { token: string }) {
  const path = `/invites/${encodeURIComponent(token)}`;
  const preview = useLoaded(token, () => call<Preview>("GET", path));
  return (
    <Door title={t("invite.title")}>
      <Show loaded={preview}>{(found) => <Ways token={token} path={path} preview={found} />}</Show>
    </Door>
  );
}

function Ways({ token, path, preview }: { token: string; path: string; preview: Preview }) {
  const { session } = useStore();
  const account = session.account.value;
  return (
    <>
      <Where preview={preview} />
      {account ? <Accept path={path} name={account.display_name} room={Boolean(preview.room)} /> : <Strangers token={token} preview={preview} />}
    </>
  );
}

function Where({ preview }: { preview: Preview }) {
  const { room, expires_at: expires, uses_left: left } = preview;
  return (
    <div class="invitation">
      {room ? (
        <>
          <Face id={room.name} name={room.name} picture={room.avatar} size="large" square />
          <h2>{room.name}</h2>
          {room.topic && <p>{room.topic}</p>}
          <p class="hint">{n("rooms.members", room.members)}</p>
        </>
      ) : (
        <p>{t("invite.server")}</p>
      )}
      {expires && <p class="hint">{t("invite.until", { time: shortTime(expires) })}</p>}
      {left !== undefined && left !== null && <p class="hint">{n("invite.uses_left", left)}</p>}
    </div>
  );
}

function Accept({ path, name, room }: { path: string; name: string; room: boolean }) {
  const store = useStore();
  const act = useAct();
  const accept = async () => {
    if (!room) return go("/rooms", { replace: true });
    const found = await call<Room>("POST", path, {});
    store.places.put(found);
    return go(roomPath(found.id), { replace: true });
  };
  return (
    <Form act={act} onSubmit={accept} label={t("invite.title")}>
      <button class="main" disabled={act.busy.value}>
        {room ? t("invite.accept", { name }) : t("invite.have_account")}
      </button>
    </Form>
  );
}

function Strangers({ token, preview }: { token: string; preview: Preview }) {
  const server = useStore().session.server.value;
  const here = encodeURIComponent(`/invite/${token}`);
  return (
    <div class="stack">
      {preview.guests && preview.room && <AsGuest token={token} />}
      {server && server.signup !== "closed" && (
        <a class={preview.guests ? "button" : "button main"} href={`/signup?invite=${encodeURIComponent(token)}`}>
          {t("invite.signup")}
        </a>
      )}
      <a class="button" href={`/login?next=${here}`}>
        {t("invite.login")}
      </a>
    </div>
  );
}

function AsGuest({ token }: { token: string }) {
  const store = useStore();
  const act = useAct();
  const [name, setName] = useState("");
  const come = async () => {
    const answer = await call<Entered & { room: string }>("POST", "/guests", { invite: token, display_name: name, cookie: true });
    enter(store, answer, roomPath(answer.room));
  };
  return (
    <Form act={act} fields={["display_name"]} onSubmit={come} label={t("invite.as_guest")}>
      <Field act={act} name="display_name" label={t("invite.guest_name")} hint={t("invite.guest_hint")} value={name} onValue={setName} autoComplete="nickname" maxLength={64} required autoFocus />
      <button class="main" disabled={act.busy.value}>
        {t("invite.as_guest")}
      </button>
    </Form>
  );
}
