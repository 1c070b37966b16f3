/* Signing in with a Matrix account: its homeserver is asked, and the password is not kept. */

import { useState } from "preact/hooks";

import { call } from "../../api/call.ts";
import { t } from "../../text/strings.ts";
import { useAct } from "../../ui/act.ts";
import { Field } from "../../ui/field.tsx";
import { Form } from "../../ui/form.tsx";
import { useStore } from "../context.ts";
import { type Entered, enter } from "./enter.ts";

export function MatrixLogin({ server }: { server: string }) {
  const store = useStore();
  const act = useAct();
  const [open, setOpen] = useState(false);
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  if (!open) {
    return (
      <button type="button" onClick={() => setOpen(true)}>
        {t("login.with", { provider: "Matrix" })}
      </button>
    );
  }
  const submit = async () => enter(store, await call<Entered>("POST", "/login/matrix", { user, password, cookie: true }));
  return (
    <Form act={act} onSubmit={submit} label={t("matrix.title")}>
      <Field act={act} name="user" label={t("matrix.user")} hint={t("matrix.hint", { server })} value={user} onValue={setUser} placeholder={`@name:${server}`} autoComplete="off" autoCapitalize="none" spellcheck={false} required autoFocus />
      <Field act={act} name="password" label={t("matrix.password")} value={password} onValue={setPassword} secret autoComplete="off" required />
      <button class="main" disabled={act.busy.value}>
        {t("login.submit")}
      </button>
    </Form>
  );
}
