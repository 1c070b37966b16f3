/* The room's picture, name and topic. */

import { useState } from "preact/hooks";

import { call } from "../../api/call.ts";
import type { Room } from "../../api/types.ts";
import { t } from "../../text/strings.ts";
import { useAct } from "../../ui/act.ts";
import { Field } from "../../ui/field.tsx";
import { Form } from "../../ui/form.tsx";
import { notify } from "../../ui/notice.tsx";
import { Picture } from "../../ui/picture.tsx";
import { useStore } from "../context.ts";
import { RoomFace } from "../room_face.tsx";

export function About({ room }: { room: Room }) {
  const store = useStore();
  const { name_chars, topic_chars, avatar_bytes } = store.session.limits;
  const path = `/rooms/${encodeURIComponent(room.id)}`;
  return (
    <>
      <Picture path={`${path}/avatar`} most={avatar_bytes} has={Boolean(room.avatar)} onDone={() => void store.refresh(room.id)}>
        <RoomFace room={room} size="large" />
      </Picture>
      <One room={room} name="name" label={t("room.name")} most={name_chars} required />
      <One room={room} name="topic" label={t("room.topic")} most={topic_chars} />
    </>
  );
}

function One({ room, name, label, most, required }: { room: Room; name: "name" | "topic"; label: string; most: number; required?: boolean }) {
  const store = useStore();
  const act = useAct();
  const [value, setValue] = useState(room[name]);
  const save = async () => {
    store.places.put(await call<Room>("PATCH", `/rooms/${encodeURIComponent(room.id)}`, { [name]: value }));
  };
  return (
    <Form act={act} fields={[name]} onSubmit={save} onDone={() => notify(t("ui.saved"))} class="inline">
      <Field act={act} name={name} label={label} value={value} onValue={setValue} maxLength={most} required={required ?? false} autoComplete="off" />
      <button class="main" disabled={act.busy.value || value === room[name]}>
        {t("ui.save")}
      </button>
    </Form>
  );
}
