/* The lines as elements: one that has not changed is the same element as before, so that a new line costs itself alone. */

import type { VNode } from "preact";
import { useRef } from "preact/hooks";

import { LineItem, type LineProps } from "./line.tsx";

type Rows = Map<number, { props: LineProps; element: VNode }>;

/** Make an element of each line's properties, or take the former one where they are the same. */
export function useRows(all: readonly LineProps[]): VNode[] {
  const before = useRef<Rows>(new Map());
  const now: Rows = new Map();
  for (const props of all) {
    const known = before.current.get(props.line.seq);
    now.set(props.line.seq, known && same(known.props, props) ? known : { props, element: <LineItem key={props.line.seq} {...props} /> });
  }
  before.current = now;
  return [...now.values()].map((row) => row.element);
}

function same(one: LineProps, other: LineProps): boolean {
  return (Object.keys(one) as (keyof LineProps)[]).every((name) => one[name] === other[name]);
}
