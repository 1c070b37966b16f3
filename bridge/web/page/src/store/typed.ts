/* What was typed into the composer, as what is to be said. */

import type { Style } from "../api/types.ts";

const encoder = new TextEncoder();

export interface Typed {
  text: string;
  style: Style;
}

/** Read what was typed: `/me` begins an emote. Undefined where there is nothing to say. */
export function read(typed: string): Typed | undefined {
  const text = typed.trimEnd();
  if (!text.trim()) return undefined;
  const emote = /^\/me\s+(\S[\s\S]*)$/.exec(text);
  return emote?.[1] ? { text: emote[1], style: "emote" } : { text, style: "text" };
}

/** Whether a text is longer than the server takes. */
export function tooLong(text: string, bytes: number): boolean {
  return encoder.encode(text).length > bytes;
}
