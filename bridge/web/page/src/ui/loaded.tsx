/* Something that is fetched when it is shown, with its three states. */

import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useMemo } from "preact/hooks";

import { type Failure, asFailure } from "../api/failure.ts";
import { Failed, Loading } from "./states.tsx";

export interface Loaded<T> {
  readonly value: Signal<T | undefined>;
  readonly failure: Signal<Failure | undefined>;
  load(): Promise<void>;
}

/** Fetch now, and again whenever `key` changes; the answer to an older question is dropped. */
export function useLoaded<T>(key: string, fetch: () => Promise<T>): Loaded<T> {
  const value = useSignal<T | undefined>(undefined);
  const failure = useSignal<Failure | undefined>(undefined);
  const loaded = useMemo(() => {
    let question = 0;
    return {
      value,
      failure,
      async load() {
        const mine = ++question;
        try {
          const found = await fetch();
          if (mine === question) {
            value.value = found;
            failure.value = undefined;
          }
        } catch (error) {
          if (mine === question) failure.value = asFailure(error);
        }
      },
      cancel() {
        question += 1;
      },
    };
  }, [key]);
  useEffect(() => {
    value.value = undefined;
    failure.value = undefined;
    void loaded.load();
    return () => loaded.cancel();
  }, [key]);
  return loaded;
}

/** Show what was fetched, or how that stands. */
export function Show<T>({ loaded, children }: { loaded: Loaded<T>; children(value: T): ComponentChildren }) {
  const value = loaded.value.value;
  const failure = loaded.failure.value;
  if (value !== undefined) return <>{children(value)}</>;
  return failure ? <Failed failure={failure} onRetry={() => void loaded.load()} /> : <Loading />;
}
