import { useCallback, useEffect, useRef } from "react";

type AnyFunction = (...args: never[]) => unknown;

/** A function that stays the same and calls the one given last. Undefined where none is given. */
export function useStableFunction<F extends AnyFunction>(latest: F | undefined): F | undefined {
  const ref = useRef(latest);
  // After the commit: a render that is thrown away changes nothing.
  useEffect(() => {
    ref.current = latest;
  });
  const stable = useCallback((...args: Parameters<F>) => ref.current?.(...args) as ReturnType<F>, []) as unknown as F;
  return latest === undefined ? undefined : stable;
}
