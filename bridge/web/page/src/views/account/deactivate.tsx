/* The end of an account. */

import { useState } from "preact/hooks";

import { call } from "../../api/call.ts";
import { go } from "../../store/address.ts";
import { t } from "../../text/strings.ts";
import { useAct } from "../../ui/act.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { Field } from "../../ui/field.tsx";
import { Form } from "../../ui/form.tsx";
import { useStore } from "../context.ts";

export function Deactivate() {
  const store = useStore();
  const act = useAct();
  const [open, setOpen] = useState(false);
  const [password, setPassword] = useState("");
  const submit = async () => {
    await call("DELETE", "/account", password ? { password } : {});
    store.signedOut();
    go("/login", { replace: true });
  };
  const guest = store.session.account.value?.kind === "guest";
  return (
    <>
      <button type="button" class="bad" onClick={() => setOpen(true)}>
        {t("deactivate.title")}
      </button>
      {open && (
        <Dialog title={t("deactivate.title")} onClose={() => setOpen(false)}>
          <Form act={act} fields={["password"]} onSubmit={submit} label={t("deactivate.title")}>
            <p>{t("deactivate.explain")}</p>
            {!guest && (
              <Field act={act} name="password" label={t("login.password")} hint={t("password.old_hint")} value={password} onValue={setPassword} secret autoComplete="current-password" autoFocus />
            )}
            <div class="row end">
              <button type="button" onClick={() => setOpen(false)}>
                {t("ui.cancel")}
              </button>
              <button class="main bad" disabled={act.busy.value}>
                {t("deactivate.submit")}
              </button>
            </div>
          </Form>
        </Dialog>
      )}
    </>
  );
}
