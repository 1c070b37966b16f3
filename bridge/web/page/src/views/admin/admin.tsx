/* For those who look after the server: its accounts and its invitations. */

import { t } from "../../text/strings.ts";
import { Empty } from "../../ui/states.tsx";
import { useStore } from "../context.ts";
import { Page, Section } from "../page.tsx";
import { Invites } from "../settings/invites.tsx";
import { Accounts } from "./accounts.tsx";

export function Admin() {
  const { session } = useStore();
  const account = session.account.value;
  if (!account) return null;
  return (
    <Page title={t("admin.title")} back="/account">
      {account.admin ? (
        <>
          <Section title={t("admin.accounts")}>
            <Accounts />
          </Section>
          <Section title={t("admin.invites")}>
            <p class="hint">{t("admin.invites_hint")}</p>
            <Invites path="/admin/invites" />
          </Section>
        </>
      ) : (
        <Empty icon="shield">{t("admin.not_allowed")}</Empty>
      )}
    </Page>
  );
}
