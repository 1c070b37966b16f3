/* Something that is asked of the server from a form or a button: busy meanwhile, and with its failure afterwards. */

import { type Signal, useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";

import { type Failure, asFailure } from "../api/failure.ts";

export interface Act {
  readonly busy: Signal<boolean>;
  readonly failure: Signal<Failure | undefined>;
  /** Do it, unless it is being done; returns whether it succeeded. */
  run(act: () => Promise<unknown>): Promise<boolean>;
}

export function useAct(): Act {
  const busy = useSignal(false);
  const failure = useSignal<Failure | undefined>(undefined);
  return useMemo(() => ({ busy, failure, run: (act) => perform(busy, failure, act) }), []);
}

async function perform(busy: Act["busy"], failure: Act["failure"], act: () => Promise<unknown>): Promise<boolean> {
  if (busy.value) return false;
  busy.value = true;
  failure.value = undefined;
  try {
    await act();
    return true;
  } catch (error) {
    failure.value = asFailure(error);
    return false;
  } finally {
    busy.value = false;
  }
}
