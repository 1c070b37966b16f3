/* A text that is being typed, once it rests: so that not every key asks the server. */

import { useEffect, useState } from "preact/hooks";

const REST_MS = 250;

export function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), REST_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}
