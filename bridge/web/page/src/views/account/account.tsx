/* One's own account. */

import { go } from "../../store/address.ts";
import { t } from "../../text/strings.ts";
import { Confirm } from "../../ui/confirm.tsx";
import { attempt } from "../../ui/notice.tsx";
import { useState } from "preact/hooks";
import { useStore } from "../context.ts";
import { Page, Section } from "../page.tsx";
import { Deactivate } from "./deactivate.tsx";
import { Identities } from "./identities.tsx";
import { Looks } from "./looks.tsx";
import { Password } from "./password.tsx";
import { Profile } from "./profile.tsx";
import { Sessions } from "./sessions.tsx";

export function AccountPage() {
  const { session } = useStore();
  const account = session.account.value;
  if (!account) return null;
  const guest = account.kind === "guest";
  const server = session.server.value;
  const providers = server !== undefined && (server.oidc.length > 0 || server.matrix.sso || server.matrix.password);
  return (
    <Page title={t("account.title")}>
      <Section title={t("account.profile")}>
        <Profile account={account} />
      </Section>
      <Section title={t("account.looks")}>
        <Looks />
      </Section>
      {!guest && (
        <Section title={t("account.password")}>
          <Password name={account.name} />
        </Section>
      )}
      {!guest && providers && (
        <Section title={t("account.identities")}>
          <Identities />
        </Section>
      )}
      {!guest && (
        <Section title={t("account.sessions")}>
          <Sessions />
        </Section>
      )}
      <Section title={t("account.ways")}>
        <div class="row wrap">
          {account.admin && (
            <a class="button" href="/admin">
              {t("admin.title")}
            </a>
          )}
          <SignOut />
          <Deactivate />
        </div>
      </Section>
    </Page>
  );
}

function SignOut() {
  const store = useStore();
  const [asked, setAsked] = useState(false);
  const leave = async () => {
    await store.signOut();
    go("/login", { replace: true });
  };
  const ask = () => (store.unsent || store.session.account.value?.kind === "guest" ? setAsked(true) : void attempt(leave));
  return (
    <>
      <button type="button" onClick={ask}>
        {t("account.sign_out")}
      </button>
      {asked && (
        <Confirm title={t("account.sign_out")} action={t("account.sign_out")} onConfirm={leave} onClose={() => setAsked(false)}>
          <p>{store.unsent ? t("account.unsent") : t("account.guest_leaves")}</p>
        </Confirm>
      )}
    </>
  );
}
