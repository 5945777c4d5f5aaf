/** A task over the SDK's own steps and waits, watched: prints what was seen while it waited. */
import { logger, metadata, step, wait } from "../../../../sdk/src/index.ts";
import { inRegion } from "../../../../sdk/src/task/region.ts";
import { DurableTask, token } from "../../../../sdk/test/support/durable-task.ts";
import { installLazySourceMaps } from "../../../src/lazy-source-maps.ts";
import { installWatch } from "../../../src/watch/install-watch.ts";

const print = process.stdout.write.bind(process.stdout);
const inRunner = <T>(body: () => T): T => inRegion({ kind: "runner" }, body);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

installLazySourceMaps();
const watch = installWatch();
const task = new DurableTask(
  async () => {
    const startedAt = Date.now();
    console.log("starts", new Date().toISOString());
    logger.info("starts", { startedAt });
    metadata.set("state", "starts");
    const one = await step.run("one", async () => {
      await pause(2);
      return Math.random();
    });
    const [two] = await Promise.all([step.run("two", () => one), step.run("three", () => pause(3))]);
    await Promise.race([step.run("four", () => pause(2)), step.run("five", () => pause(9))]);
    const six = step.run("six", () => Promise.reject(new Error("no")), {
      retry: { maxAttempts: 2, minTimeoutInMs: 1 },
    });
    await six.catch((error: Error) => logger.warn(error.message));
    await step.run("page", async () => (await Promise.all([1, 2, 3].map(async (at) => (await pause(1), at)))).length);
    metadata.increment("steps", 1);
    await Promise.all([token("t"), wait.for({ days: 3 })]);
    return two;
  },
  { onStart: () => pause(2), onStartAttempt: () => logger.info("attempt") } as never,
);

inRunner(() => setTimeout(() => process.exit(1), 15_000));
watch.begin({ isStrict: false });
void inRunner(() => task.execute());
await inRunner(() => task.untilWaiting());
await inRunner(() => watch.quiet(10));
print(JSON.stringify({ unsafe: watch.unsafe(), isBusy: watch.isBusy(), waits: task.journal.waiting?.waits.length }));
process.exit(0);
