/* Who may come in, what they may read of before, and how fast one may write: each is saved when it is chosen. */

import { call } from "../../api/call.ts";
import type { Room } from "../../api/types.ts";
import { failureText, n, t } from "../../text/strings.ts";
import { useAct } from "../../ui/act.ts";
import { Choice } from "../../ui/field.tsx";
import { FailureNote } from "../../ui/form.tsx";
import { notify } from "../../ui/notice.tsx";
import { useStore } from "../context.ts";

const SLOW = [0, 5, 15, 30, 60, 300, 900];

export function Access({ room }: { room: Room }) {
  const slow = SLOW.includes(room.slow_seconds) ? SLOW : [...SLOW, room.slow_seconds].sort((a, b) => a - b);
  return (
    <div class="stack">
      <Saved
        room={room}
        name="access"
        label={t("settings.access")}
        hint={room.access === "public" ? t("settings.public_hint") : t("settings.invite_hint")}
        options={[
          { value: "public", label: t("settings.public") },
          { value: "invite", label: t("settings.invite_only") },
        ]}
      />
      <Saved
        room={room}
        name="history"
        label={t("settings.history")}
        options={[
          { value: "all", label: t("settings.history_all") },
          { value: "joined", label: t("settings.history_joined") },
        ]}
      />
      <Saved
        room={room}
        name="slow_seconds"
        label={t("settings.slow")}
        hint={t("settings.slow_hint")}
        options={slow.map((seconds) => ({ value: String(seconds), label: seconds ? n("settings.seconds", seconds) : t("settings.not_slow") }))}
      />
    </div>
  );
}

interface SavedProps {
  room: Room;
  name: "access" | "history" | "slow_seconds";
  label: string;
  hint?: string;
  options: { value: string; label: string }[];
}

function Saved({ room, name, label, hint, options }: SavedProps) {
  const store = useStore();
  const act = useAct();
  const failure = act.failure.value;
  const save = (value: string) =>
    act.run(async () => {
      const change = { [name]: name === "slow_seconds" ? Number(value) : value };
      store.places.put(await call<Room>("PATCH", `/rooms/${encodeURIComponent(room.id)}`, change));
      notify(t("ui.saved"));
    });
  return (
    <>
      {failure && failure.field !== name && <FailureNote words={failureText(failure)} />}
      <Choice act={act} name={name} label={label} hint={hint} value={String(room[name])} options={options} disabled={act.busy.value} onValue={save} />
    </>
  );
}
