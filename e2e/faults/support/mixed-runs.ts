import type { Api } from "../../support/api.ts";
import type { SeededRandom } from "./seeded-random.ts";

const TASKS = ["noop", "noop", "nap", "flaky", "chatty"] as const;

/**
 * Triggers `count` runs of mixed tasks, a few at a time and not too fast, so that they flow while faults happen; each with
 * an idempotency key, so that a trigger whose answer was lost makes one run. Returns each run with how it must end.
 */
export async function triggerMixed(
  api: Api,
  random: SeededRandom,
  { count, overMs }: { count: number; overMs: number },
): Promise<Map<string, string>> {
  const wanted = new Map<string, string>();
  const plan = Array.from({ length: count }, (_, n) => ({ n, task: random.pick(TASKS) }));
  const startedAt = performance.now();
  const worker = async () => {
    for (let next = plan.shift(); next !== undefined; next = plan.shift()) {
      const dueInMs = startedAt + (next.n / count) * overMs - performance.now();
      if (dueInMs > 0) await new Promise((resolve) => setTimeout(resolve, dueInMs));
      const options = { idempotencyKey: `mixed-${next.n}` };
      wanted.set(await api.trigger(next.task, { n: next.n }, options), "COMPLETED");
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  if (wanted.size !== count) throw new Error(`${count} triggers made ${wanted.size} runs`);
  return wanted;
}
