import { useCallback, useEffect, useRef, useState } from "react";

export interface Call<TArgs extends unknown[], TResult> {
  call: (...args: TArgs) => Promise<TResult | undefined>;
  isLoading: boolean;
  result: TResult | undefined;
  error: Error | undefined;
}

type State<TResult> = { isLoading: boolean; result: TResult | undefined; error: Error | undefined };

/** A call that a person causes: what became of the last one. Its promise never rejects, its error is in the state. */
export function useCall<TArgs extends unknown[], TResult>(
  action: (...args: TArgs) => Promise<TResult>,
): Call<TArgs, TResult> {
  const [state, setState] = useState<State<TResult>>({ isLoading: false, result: undefined, error: undefined });
  const latest = useRef(action);
  const calls = useRef(0);
  useEffect(() => {
    latest.current = action;
  });
  const call = useCallback(async (...args: TArgs) => {
    const number = ++calls.current;
    // Of several calls the last one's outcome is shown.
    const settle = (settled: Partial<State<TResult>>) => {
      if (number === calls.current) setState({ isLoading: false, result: undefined, error: undefined, ...settled });
    };
    setState((before) => ({ ...before, isLoading: true, error: undefined }));
    try {
      const result = await latest.current(...args);
      settle({ result });
      return result;
    } catch (error) {
      settle({ error: error as Error });
      return undefined;
    }
  }, []);
  return { call, ...state };
}
