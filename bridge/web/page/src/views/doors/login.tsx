/* Signing in: with name and password, at another provider, or with one's Matrix account. */

import { useState } from "preact/hooks";

import { call } from "../../api/call.ts";
import type { Server } from "../../api/types.ts";
import { search } from "../../store/address.ts";
import { t } from "../../text/strings.ts";
import { useAct } from "../../ui/act.ts";
import { Field } from "../../ui/field.tsx";
import { Form } from "../../ui/form.tsx";
import { Failed, Loading } from "../../ui/states.tsx";
import { useStore } from "../context.ts";
import { Door } from "./door.tsx";
import { type Entered, doorPath, enter, following } from "./enter.ts";
import { MatrixLogin } from "./matrix.tsx";

export function Login() {
  const { session } = useStore();
  const server = session.server.value;
  return (
    <Door title={t("login.title")}>
      <Refused />
      <PasswordLogin />
      {server && <Others server={server} />}
      {!server && (session.failure.value ? <Failed failure={session.failure.value} onRetry={() => void session.load()} /> : <Loading />)}
      {server && <SignupHint signup={server.signup} />}
    </Door>
  );
}

/** Why a provider sent somebody back without an account. */
function Refused() {
  const code = search.value.get("error");
  if (!code || !/^[a-z_]{1,40}$/.test(code)) return null;
  const key = `error.${code}`;
  const words = t(key);
  return (
    <p class="failure" role="alert">
      {words === key ? t("login.refused") : words}
    </p>
  );
}

function PasswordLogin() {
  const store = useStore();
  const act = useAct();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const submit = async () => enter(store, await call<Entered>("POST", "/login", { name, password, cookie: true }));
  return (
    <Form act={act} onSubmit={submit} label={t("login.title")}>
      <Field act={act} name="name" label={t("login.name")} value={name} onValue={setName} autoComplete="username" autoCapitalize="none" spellcheck={false} required autoFocus />
      <Field act={act} name="password" label={t("login.password")} value={password} onValue={setPassword} secret autoComplete="current-password" required />
      <button class="main" disabled={act.busy.value}>
        {t("login.submit")}
      </button>
    </Form>
  );
}

function Others({ server }: { server: Server }) {
  const next = encodeURIComponent(following());
  const sso = server.matrix.sso ? [{ id: "matrix", title: "Matrix" }] : [];
  const providers = [...server.oidc.filter((provider) => provider.id !== "matrix" || !server.matrix.sso), ...sso];
  if (!providers.length && !server.matrix.password) return null;
  return (
    <div class="others">
      <p class="or">
        <span>{t("login.or")}</span>
      </p>
      {providers.map((provider) => (
        // Another site answers: this is no address of the page, so the browser itself goes there.
        <a key={provider.id} class="button" href={`/api/v1/sso/${encodeURIComponent(provider.id)}?next=${next}`}>
          {t("login.with", { provider: provider.title })}
        </a>
      ))}
      {server.matrix.password && <MatrixLogin server={server.server_name} />}
    </div>
  );
}

function SignupHint({ signup }: { signup: Server["signup"] }) {
  if (signup === "open") {
    return (
      <p class="hint">
        {t("login.no_account")} <a href={doorPath("/signup")}>{t("login.signup")}</a>
      </p>
    );
  }
  return <p class="hint">{signup === "invite" ? t("login.by_invite") : t("login.closed")}</p>;
}
