/* How people see one: picture and display name. */

import { useState } from "preact/hooks";

import { call } from "../../api/call.ts";
import type { Account } from "../../api/types.ts";
import { t } from "../../text/strings.ts";
import { useAct } from "../../ui/act.ts";
import { Face } from "../../ui/face.tsx";
import { Field } from "../../ui/field.tsx";
import { Form } from "../../ui/form.tsx";
import { notify } from "../../ui/notice.tsx";
import { Picture } from "../../ui/picture.tsx";
import { useStore } from "../context.ts";

export function Profile({ account }: { account: Account }) {
  const { session } = useStore();
  const act = useAct();
  const [name, setName] = useState(account.display_name);
  const take = (answer: unknown) => (session.account.value = { ...account, ...(answer as Account) });
  const save = async () => {
    const answer = await call<Account>("PATCH", "/account", { display_name: name });
    take(answer);
    setName(answer.display_name);
  };
  return (
    <>
      <Picture path="/account/avatar" most={session.limits.avatar_bytes} has={Boolean(account.avatar)} onDone={take}>
        <Face id={account.person} name={account.display_name} picture={account.avatar} size="large" />
      </Picture>
      <Form act={act} fields={["display_name"]} onSubmit={save} onDone={() => notify(t("ui.saved"))} class="inline">
        <Field act={act} name="display_name" label={t("account.display_name")} hint={t("account.display_hint")} value={name} onValue={setName} maxLength={64} autoComplete="nickname" required />
        <button class="main" disabled={act.busy.value || name === account.display_name}>
          {t("ui.save")}
        </button>
      </Form>
      {account.name && <p class="hint">{t("account.login", { name: account.name })}</p>}
    </>
  );
}
