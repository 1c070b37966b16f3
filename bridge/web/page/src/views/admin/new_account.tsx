/* Making an account for somebody. */

import { useState } from "preact/hooks";

import { call } from "../../api/call.ts";
import { t } from "../../text/strings.ts";
import { useAct } from "../../ui/act.ts";
import { Copy } from "../../ui/copy.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Field } from "../../ui/field.tsx";
import { Form } from "../../ui/form.tsx";

export function NewAccount({ onClose }: { onClose(): void }) {
  const act = useAct();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [url, setUrl] = useState("");
  const submit = async () => {
    const made = await call<{ url?: string }>("POST", "/admin/accounts", { name, ...(password && { password }) });
    if (made.url) setUrl(made.url);
    else onClose();
  };
  if (url) {
    return (
      <Dialog title={t("admin.new")} onClose={onClose}>
        <p>{t("admin.choose_once", { name })}</p>
        <Copy text={url} label={t("admin.reset")} />
      </Dialog>
    );
  }
  return (
    <Dialog title={t("admin.new")} onClose={onClose}>
      <Form act={act} fields={["name", "password"]} onSubmit={submit} label={t("admin.new")}>
        <Field act={act} name="name" label={t("signup.name")} hint={t("signup.name_hint")} value={name} onValue={setName} autoComplete="off" autoCapitalize="none" spellcheck={false} maxLength={32} required autoFocus />
        <Field act={act} name="password" label={t("admin.password")} hint={t("admin.password_hint")} value={password} onValue={setPassword} secret autoComplete="new-password" />
        <div class="row end">
          <button class="main" disabled={act.busy.value}>
            {t("admin.new")}
          </button>
        </div>
      </Form>
    </Dialog>
  );
}
