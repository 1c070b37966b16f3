/* A room's picture: the other person's in a direct conversation. */

import type { Room } from "../api/types.ts";
import { Face } from "../ui/face.tsx";

export function RoomFace({ room, size }: { room: Room; size?: "small" | "large" }) {
  const sized = size ? { size } : {};
  const other = room.direct_with;
  if (other) return <Face id={other.id} name={other.name} picture={other.avatar} {...sized} />;
  return <Face id={room.id} name={room.name} picture={room.avatar} square {...sized} />;
}
