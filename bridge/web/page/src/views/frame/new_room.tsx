/* Making a room. */

import { useState } from "preact/hooks";

import { call } from "../../api/call.ts";
import type { Access, Room } from "../../api/types.ts";
import { go } from "../../store/address.ts";
import { roomPath } from "../../store/route.ts";
import { t } from "../../text/strings.ts";
import { useAct } from "../../ui/act.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { Check, Choice, Field } from "../../ui/field.tsx";
import { Form } from "../../ui/form.tsx";
import { useStore } from "../context.ts";
import { closeDrawer } from "./drawers.ts";

export function NewRoom({ onClose }: { onClose(): void }) {
  const store = useStore();
  const act = useAct();
  const [name, setName] = useState("");
  const [topic, setTopic] = useState("");
  const [access, setAccess] = useState<Access>("public");
  const [mirror, setMirror] = useState(false);
  const submit = async () => {
    const room = await call<Room>("POST", "/rooms", { name, topic, access, ...(access === "invite" && { mirror }) });
    store.places.put(room);
    closeDrawer();
    onClose();
    go(roomPath(room.id));
  };
  const { name_chars, topic_chars } = store.session.limits;
  return (
    <Dialog title={t("newroom.title")} onClose={onClose}>
      <Form act={act} fields={["name", "topic", "access"]} onSubmit={submit} label={t("newroom.title")}>
        <Field act={act} name="name" label={t("room.name")} value={name} onValue={setName} maxLength={name_chars} autoComplete="off" required autoFocus />
        <Field act={act} name="topic" label={t("newroom.topic")} value={topic} onValue={setTopic} maxLength={topic_chars} autoComplete="off" />
        <Choice
          act={act}
          name="access"
          label={t("settings.access")}
          hint={access === "public" ? t("settings.public_hint") : t("settings.invite_hint")}
          value={access}
          onValue={(value) => setAccess(value as Access)}
          options={[
            { value: "public", label: t("settings.public") },
            { value: "invite", label: t("settings.invite_only") },
          ]}
        />
        {access === "invite" && <Check label={t("newroom.mirror")} checked={mirror} onChecked={setMirror} />}
        <div class="row end">
          <button class="main" disabled={act.busy.value}>
            {t("newroom.submit")}
          </button>
        </div>
      </Form>
    </Dialog>
  );
}
