/* One account in the list of all: what an admin may do with it. */

import { useSignal } from "@preact/signals";
import { useState } from "preact/hooks";

import { call } from "../../api/call.ts";
import type { AccountRow } from "../../api/types.ts";
import { t } from "../../text/strings.ts";
import { shortTime } from "../../text/time.ts";
import { Confirm } from "../../ui/confirm.tsx";
import { Copy } from "../../ui/copy.tsx";
import { Face } from "../../ui/face.tsx";
import { attempt } from "../../ui/notice.tsx";
import { useStore } from "../context.ts";

interface Reset {
  url: string;
  expires_at: number;
}

export function AccountItem({ account, onChanged }: { account: AccountRow; onChanged(): void }) {
  const me = useStore().session.account.value;
  const [asked, setAsked] = useState(false);
  const reset = useSignal<Reset | undefined>(undefined);
  const path = `/admin/accounts/${encodeURIComponent(account.id)}`;
  const gone = !account.active;
  const rank = () =>
    attempt(async () => {
      await call("PATCH", path, { admin: !account.admin });
      onChanged();
    });
  const renew = () => attempt(async () => (reset.value = await call<Reset>("POST", `${path}/reset`, {})));
  const own = account.id === me?.id;
  return (
    <li class={gone ? "gone" : undefined}>
      <span class="person">
        <Face id={account.id} name={account.display_name} size="small" />
        <span>
          <strong>{account.display_name}</strong> {account.admin && <span class="badge">{t("admin.is_admin")}</span>}
          {account.kind === "guest" && <span class="badge">{t("role.guest")}</span>}
          {gone && <span class="badge">{t("admin.deactivated")}</span>}
          <br />
          <span class="hint">
            {[account.name, account.used_at && t("admin.seen", { time: shortTime(account.used_at) })].filter(Boolean).join(" · ")}
          </span>
        </span>
      </span>
      {!gone && !own && (
        <span class="row wrap">
          {account.kind === "full" && (
            <button type="button" class="quiet" onClick={renew}>
              {t("admin.reset")}
            </button>
          )}
          {account.kind === "full" && (
            <button type="button" class="quiet" onClick={rank}>
              {account.admin ? t("admin.unmake_admin") : t("admin.make_admin")}
            </button>
          )}
          <button type="button" class="quiet bad" onClick={() => setAsked(true)}>
            {t("admin.deactivate")}
          </button>
        </span>
      )}
      {reset.value && (
        <div class="made" role="status">
          <p>{t("admin.reset_once", { name: account.name, time: shortTime(reset.value.expires_at) })}</p>
          <Copy text={reset.value.url} label={t("admin.reset")} />
        </div>
      )}
      {asked && (
        <Confirm
          title={t("admin.deactivate")}
          action={t("admin.deactivate")}
          onConfirm={async () => {
            await call("POST", `${path}/deactivate`, {});
            onChanged();
          }}
          onClose={() => setAsked(false)}
        >
          <p>{t("admin.deactivate_sure", { name: account.display_name })}</p>
        </Confirm>
      )}
    </li>
  );
}
