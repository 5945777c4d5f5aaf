import { type QueryKey, useMutation, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { toast } from "../ui/toast.tsx";

interface ActionOptions<TInput, TResult> {
  run: (input: TInput) => Promise<TResult>;
  /** Said when it is done. */
  done?: (result: TResult, input: TInput) => ReactNode;
  /** What was tried, where it failed: "The queue was not paused". Left out where a form or a dialog shows the error itself. */
  failed?: string;
  /** Queries that it makes stale. */
  stale: readonly QueryKey[];
}

/** Something that changes the server: it says how it went, and what it concerns is read again before it counts as done. */
export function useAction<TInput, TResult>({ run, done, failed, stale }: ActionOptions<TInput, TResult>) {
  const queries = useQueryClient();
  const mutation = useMutation({
    mutationFn: run,
    onSuccess: async (result, input) => {
      await Promise.all(stale.map((queryKey) => queries.invalidateQueries({ queryKey })));
      const words = done?.(result, input);
      if (words !== undefined) toast.success(words);
    },
    onError: (error) => failed !== undefined && toast.error(failed, error),
  });
  return {
    /** Forgets how it goes: errors are shown where `failed` says. */
    start: (input: TInput) => mutation.mutate(input),
    /** For forms and dialogs, which show the rejection. */
    perform: (input: TInput) => mutation.mutateAsync(input),
    isBusy: mutation.isPending,
    /** With which input, while it is busy. */
    busyWith: mutation.isPending ? mutation.variables : undefined,
    error: mutation.error ?? undefined,
    reset: mutation.reset,
  };
}
