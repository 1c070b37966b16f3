/* The accounts of the server: finding one, making one. */

import { useSignal } from "@preact/signals";
import { useState } from "preact/hooks";

import { call, query } from "../../api/call.ts";
import type { AccountRow } from "../../api/types.ts";
import { t } from "../../text/strings.ts";
import { Show, useLoaded } from "../../ui/loaded.tsx";
import { attempt } from "../../ui/notice.tsx";
import { Empty } from "../../ui/states.tsx";
import { useSettled } from "../settled.ts";
import { AccountItem } from "./account_item.tsx";
import { NewAccount } from "./new_account.tsx";

interface Found {
  accounts: AccountRow[];
  next?: string;
}

const PAGE = 30;

export function Accounts() {
  const [typed, setTyped] = useState("");
  const [making, setMaking] = useState(false);
  const again = useSignal(0);
  const wanted = useSettled(typed.trim());
  return (
    <>
      <div class="row">
        <input type="search" class="filter" placeholder={t("admin.search")} aria-label={t("admin.search")} value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
        <button type="button" onClick={() => setMaking(true)}>
          {t("admin.new")}
        </button>
      </div>
      <List key={`${wanted} ${again.value}`} wanted={wanted} onChanged={() => (again.value += 1)} />
      {making && (
        <NewAccount
          onClose={() => {
            setMaking(false);
            again.value += 1;
          }}
        />
      )}
    </>
  );
}

function List({ wanted, onChanged }: { wanted: string; onChanged(): void }) {
  const fetch = (after?: string) => call<Found>("GET", query("/admin/accounts", { q: wanted, after, limit: PAGE }));
  const more = useSignal<Found>({ accounts: [] });
  const loaded = useLoaded(wanted, () => fetch());
  return (
    <Show loaded={loaded}>
      {(found) => {
        const accounts = [...found.accounts, ...more.value.accounts];
        const next = more.value.accounts.length ? more.value.next : found.next;
        const goOn = () =>
          attempt(async () => {
            const page = await fetch(next);
            more.value = { ...page, accounts: [...more.value.accounts, ...page.accounts] };
          });
        if (!accounts.length) return <Empty icon="people">{t("admin.nobody")}</Empty>;
        return (
          <>
            <ul class="facts">
              {accounts.map((account) => (
                <AccountItem key={account.id} account={account} onChanged={onChanged} />
              ))}
            </ul>
            {next && (
              <button type="button" class="more" onClick={goOn}>
                {t("ui.more")}
              </button>
            )}
          </>
        );
      }}
    </Show>
  );
}
