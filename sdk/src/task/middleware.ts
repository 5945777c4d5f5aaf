import type { Attempt } from "./attempt.ts";

/** Runs `inner` inside all middleware, the first global one outermost. Rejects with what a middleware throws. */
export async function throughMiddleware(attempt: Attempt, inner: () => Promise<void>): Promise<void> {
  const chain = attempt.hooks("middleware").reduceRight<() => Promise<void>>(
    (next, { fn }) =>
      async () =>
        fn(attempt.params({ next })),
    inner,
  );
  await chain();
}
