/* The store, for every view. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";

import type { Store } from "../store/store.ts";

const Context = createContext<Store | undefined>(undefined);

export const Provided = Context.Provider;

export function useStore(): Store {
  const store = useContext(Context);
  if (!store) throw new Error("a view outside of the page");
  return store;
}
