/* A link that works once: to set a new password, or to become the server's first admin. */

import { useState } from "preact/hooks";

import { call } from "../../api/call.ts";
import { t } from "../../text/strings.ts";
import { shortTime } from "../../text/time.ts";
import { useAct } from "../../ui/act.ts";
import { Field } from "../../ui/field.tsx";
import { Form } from "../../ui/form.tsx";
import { Show, useLoaded } from "../../ui/loaded.tsx";
import { useStore } from "../context.ts";
import { Door } from "./door.tsx";
import { type Entered, enter } from "./enter.ts";

interface Ticket {
  purpose: "reset" | "claim";
  name?: string;
  expires_at: number;
}

export function TicketDoor({ token }: { token: string }) {
  const loaded = useLoaded(token, () => call<Ticket>("GET", `/tickets/${encodeURIComponent(token)}`));
  const claim = loaded.value.value?.purpose === "claim";
  return (
    <Door title={claim ? t("ticket.claim") : t("ticket.reset")}>
      <Show loaded={loaded}>{(ticket) => (ticket.purpose === "claim" ? <Claim token={token} ticket={ticket} /> : <Reset token={token} ticket={ticket} />)}</Show>
    </Door>
  );
}

function Reset({ token, ticket }: { token: string; ticket: Ticket }) {
  const store = useStore();
  const act = useAct();
  const [password, setPassword] = useState("");
  const submit = async () => enter(store, await call<Entered>("POST", "/reset", { token, password, cookie: true }));
  return (
    <Form act={act} fields={["password"]} onSubmit={submit} label={t("ticket.reset")}>
      <p class="explain">{t("ticket.reset_explain", { name: ticket.name ?? "" })}</p>
      <input type="text" name="name" value={ticket.name ?? ""} autoComplete="username" readOnly hidden />
      <Field act={act} name="password" label={t("ticket.password")} hint={t("ticket.until", { time: shortTime(ticket.expires_at) })} value={password} onValue={setPassword} secret autoComplete="new-password" required autoFocus />
      <button class="main" disabled={act.busy.value}>
        {t("ticket.set")}
      </button>
    </Form>
  );
}

function Claim({ token, ticket }: { token: string; ticket: Ticket }) {
  const store = useStore();
  const act = useAct();
  const [name, setName] = useState(ticket.name ?? "");
  const [password, setPassword] = useState("");
  const submit = async () => enter(store, await call<Entered>("POST", "/claim", { token, name, password, cookie: true }));
  return (
    <Form act={act} fields={["name", "password"]} onSubmit={submit} label={t("ticket.claim")}>
      <p class="explain">{t("ticket.claim_explain")}</p>
      <Field act={act} name="name" label={t("signup.name")} hint={t("signup.name_hint")} value={name} onValue={setName} autoComplete="username" autoCapitalize="none" spellcheck={false} required maxLength={32} autoFocus />
      <Field act={act} name="password" label={t("signup.password")} hint={t("ticket.until", { time: shortTime(ticket.expires_at) })} value={password} onValue={setPassword} secret autoComplete="new-password" required />
      <button class="main" disabled={act.busy.value}>
        {t("ticket.claim_submit")}
      </button>
    </Form>
  );
}
