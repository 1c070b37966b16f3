/* Making an account, where the server lets one. */

import { useState } from "preact/hooks";

import { call } from "../../api/call.ts";
import { search } from "../../store/address.ts";
import { t } from "../../text/strings.ts";
import { useAct } from "../../ui/act.ts";
import { Field } from "../../ui/field.tsx";
import { Form } from "../../ui/form.tsx";
import { Failed, Loading } from "../../ui/states.tsx";
import { useStore } from "../context.ts";
import { Door } from "./door.tsx";
import { type Entered, doorPath, enter, following } from "./enter.ts";

export function Signup() {
  const { session } = useStore();
  const server = session.server.value;
  const invite = search.value.get("invite") ?? "";
  const to = invite ? `/invite/${encodeURIComponent(invite)}` : following();
  return (
    <Door title={t("signup.title")}>
      {!server && (session.failure.value ? <Failed failure={session.failure.value} onRetry={() => void session.load()} /> : <Loading />)}
      {server && (server.signup === "open" || (server.signup === "invite" && invite)) && <NewAccount invite={invite} to={to} />}
      {server?.signup === "invite" && !invite && <p class="explain">{t("signup.by_invite")}</p>}
      {server?.signup === "closed" && <p class="explain">{t("signup.closed")}</p>}
      <p class="hint">
        {t("signup.have_account")} <a href={invite ? `/login?next=${encodeURIComponent(to)}` : doorPath("/login")}>{t("login.submit")}</a>
      </p>
    </Door>
  );
}

function NewAccount({ invite, to }: { invite: string; to: string }) {
  const store = useStore();
  const act = useAct();
  const [name, setName] = useState("");
  const [shown, setShown] = useState("");
  const [password, setPassword] = useState("");
  const submit = async () => {
    const body = { name, password, cookie: true, ...(shown && { display_name: shown }), ...(invite && { invite }) };
    enter(store, await call<Entered>("POST", "/signup", body), to);
  };
  return (
    <Form act={act} fields={["name", "display_name", "password"]} onSubmit={submit} label={t("signup.title")}>
      <Field act={act} name="name" label={t("signup.name")} hint={t("signup.name_hint")} value={name} onValue={setName} autoComplete="username" autoCapitalize="none" spellcheck={false} required maxLength={32} autoFocus />
      <Field act={act} name="display_name" label={t("signup.display_name")} hint={t("account.display_hint")} value={shown} onValue={setShown} autoComplete="nickname" maxLength={64} />
      <Field act={act} name="password" label={t("signup.password")} hint={t("signup.password_hint", { count: store.session.limits.password_chars })} value={password} onValue={setPassword} secret autoComplete="new-password" required />
      <button class="main" disabled={act.busy.value}>
        {t("signup.submit")}
      </button>
    </Form>
  );
}
