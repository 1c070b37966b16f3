/* A new password; it ends all other sessions. */

import { useState } from "preact/hooks";

import { call } from "../../api/call.ts";
import { t } from "../../text/strings.ts";
import { useAct } from "../../ui/act.ts";
import { Field } from "../../ui/field.tsx";
import { Form } from "../../ui/form.tsx";
import { notify } from "../../ui/notice.tsx";

export function Password({ name }: { name: string }) {
  const act = useAct();
  const [old, setOld] = useState("");
  const [fresh, setFresh] = useState("");
  const submit = async () => {
    await call("POST", "/account/password", { new: fresh, ...(old && { old }) });
    setOld("");
    setFresh("");
  };
  return (
    <Form act={act} fields={["old", "new"]} onSubmit={submit} onDone={() => notify(t("password.changed"))} label={t("account.password")}>
      <input type="text" value={name} autoComplete="username" readOnly hidden />
      <div class="columns">
        <Field act={act} name="old" label={t("password.old")} hint={t("password.old_hint")} value={old} onValue={setOld} secret autoComplete="current-password" />
        <Field act={act} name="new" label={t("password.new")} hint={t("password.new_hint")} value={fresh} onValue={setFresh} secret autoComplete="new-password" required />
      </div>
      <div class="row">
        <button class="main" disabled={act.busy.value || !fresh}>
          {t("password.submit")}
        </button>
      </div>
    </Form>
  );
}
