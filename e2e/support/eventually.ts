import { setTimeout as pause } from "node:timers/promises";

/** Asks again and again until the answer is not undefined. Errors: the deadline, with what was waited for. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  withinMs = 60_000,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) throw new Error(`${what} did not happen within ${withinMs} ms`);
    await pause(50);
  }
}
