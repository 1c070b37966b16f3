/* How long to wait before the next try. */

const STEPS = [0.5, 1, 2, 4, 8, 15];

/** Milliseconds before try number `tries` (0 is the first again), between a half and the whole of a growing step. */
export function backoff(tries: number, random: () => number = Math.random): number {
  const step = STEPS[Math.min(tries, STEPS.length - 1)] ?? 15;
  return step * 1000 * (0.5 + random() / 2);
}
