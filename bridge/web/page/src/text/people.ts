/* What is shown for a person without a picture: an initial on a colour that stays theirs. */

const encoder = new TextEncoder();
const HUES = 12;

/** The number of a person's colour (FNV-1a, 32 bits): the same on every screen. */
export function hue(id: string): number {
  let state = 0x811c9dc5;
  for (const byte of encoder.encode(id)) state = Math.imul(state ^ byte, 0x01000193) >>> 0;
  return state % HUES;
}

/** The letter that stands for a name. */
export function initial(name: string): string {
  return (name.match(/[\p{L}\p{N}]/u)?.[0] ?? "?").toUpperCase();
}
