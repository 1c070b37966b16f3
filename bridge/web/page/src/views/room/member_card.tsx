/* One person in a room: who they are, and what the visitor may do about it. */

import { useState } from "preact/hooks";

import { call, query } from "../../api/call.ts";
import type { Member, Role } from "../../api/types.ts";
import type { Place } from "../../store/place.ts";
import { failureText, networkName, t } from "../../text/strings.ts";
import { useAct } from "../../ui/act.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { Face } from "../../ui/face.tsx";
import { Choice, Field } from "../../ui/field.tsx";
import { FailureNote, Form } from "../../ui/form.tsx";
import { useStore } from "../context.ts";
import { talkTo } from "../frame/new_direct.tsx";
import { roleName } from "./system.tsx";

const RANKS: Role[] = ["owner", "moderator", "member", "muted"];

export function MemberCard({ place, member, onClose }: { place: Place; member: Member; onClose(): void }) {
  const store = useStore();
  const act = useAct();
  const me = member.id === store.session.person;
  const guest = store.session.account.value?.kind === "guest";
  return (
    <Dialog title={member.name} onClose={onClose}>
      <div class="profile">
        <Face id={member.id} name={member.name} picture={member.avatar} size="large" />
        <p>
          {t("members.from", { network: networkName(member.network) })} · {roleName(member.role)}
        </p>
      </div>
      {act.failure.value && <FailureNote words={failureText(act.failure.value)} />}
      {!me && !guest && member.network === "web" && !place.room.value?.direct_with && (
        <button type="button" disabled={act.busy.value} onClick={() => act.run(() => talkTo(store, member.id)).then((done) => done && onClose())}>
          {t("members.talk")}
        </button>
      )}
      {place.can("rank") && !me && member.role !== "guest" && <Rank place={place} member={member} />}
      {place.can("kick") && !me && <Kick place={place} member={member} onClose={onClose} />}
    </Dialog>
  );
}

function memberPath(place: Place, member: Member): string {
  return `/rooms/${encodeURIComponent(place.id)}/members/${encodeURIComponent(member.id)}`;
}

function Rank({ place, member }: { place: Place; member: Member }) {
  const act = useAct();
  const change = (role: string) =>
    act.run(async () => {
      await call("PATCH", memberPath(place, member), { role });
      place.members.value = place.members.value.map((each) => (each.id === member.id ? { ...each, role: role as Role } : each));
    });
  return (
    <>
      {act.failure.value && act.failure.value.field !== "role" && <FailureNote words={failureText(act.failure.value)} />}
      <Choice act={act} name="role" label={t("members.role")} value={member.role} disabled={act.busy.value} onValue={change} options={RANKS.map((role) => ({ value: role, label: roleName(role) }))} />
    </>
  );
}

function Kick({ place, member, onClose }: { place: Place; member: Member; onClose(): void }) {
  const act = useAct();
  const [open, setOpen] = useState(false);
  const [reason, setReason] = useState("");
  if (!open) {
    return (
      <button type="button" class="bad" onClick={() => setOpen(true)}>
        {t("members.kick")}
      </button>
    );
  }
  const kick = async () => {
    await call("DELETE", query(memberPath(place, member), { reason }));
    place.members.value = place.members.value.filter((each) => each.id !== member.id);
  };
  return (
    <Form act={act} fields={["reason"]} onSubmit={kick} onDone={onClose} label={t("members.kick")}>
      <Field act={act} name="reason" label={t("members.reason")} value={reason} onValue={setReason} maxLength={500} autoComplete="off" autoFocus />
      <div class="row end">
        <button type="button" onClick={() => setOpen(false)}>
          {t("ui.cancel")}
        </button>
        <button class="main bad" disabled={act.busy.value}>
          {t("members.kick_sure", { name: member.name })}
        </button>
      </div>
    </Form>
  );
}
