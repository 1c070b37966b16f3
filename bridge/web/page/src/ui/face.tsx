/* A face: the picture where there is one, over the initial on the person's colour. */

import { useState } from "preact/hooks";

import { hue, initial } from "../text/people.ts";

interface Props {
  id: string;
  name: string;
  picture?: string | undefined;
  size?: "small" | "large";
  square?: boolean;
}

export function Face({ id, name, picture, size, square }: Props) {
  const [broken, setBroken] = useState("");
  const kind = ["face", `hue-${hue(id)}`, size, square && "square"].filter(Boolean).join(" ");
  return (
    <span class={kind} aria-hidden="true">
      {initial(name)}
      {picture && picture !== broken && <img src={picture} alt="" loading="lazy" onError={() => setBroken(picture)} />}
    </span>
  );
}
