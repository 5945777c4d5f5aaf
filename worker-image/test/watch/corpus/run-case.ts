/** One case in a process of its own, as the task process would run it: `run-case.ts <bundle> <case> <servers as JSON>`. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { inRegion, type Region } from "../../../../sdk/src/task/region.ts";
import { type RunScope, withScope } from "../../../../sdk/src/task/run-scope.ts";
import { installLazySourceMaps } from "../../../src/lazy-source-maps.ts";
import { installWatch } from "../../../src/watch/install-watch.ts";
import type { Case, Seen, Servers, Stage } from "./stage.ts";

const RUNNER: Region = { kind: "runner" };
const [bundle, name, servers] = process.argv.slice(2) as [string, string, string];
const print = process.stdout.write.bind(process.stdout);

installLazySourceMaps();
const watch = installWatch();
const { cases } = (await import(pathToFileURL(bundle).href)) as { cases: Record<string, Case> };
const scene = cases[name] as Case;
const folder = mkdtempSync(join(tmpdir(), "gantry-watch-"));
const open = { steps: 0, entries: 0 };
const durable = { open, clock: (_: string, real: () => number) => real() };
const stage = makeStage(JSON.parse(servers) as Servers);

const ready: unknown = await scene.load?.(stage);
// As the runner does while its run waits: the process lives although nothing of the user's keeps it.
inRegion(RUNNER, () => setTimeout(() => process.exit(1), 15_000));
watch.begin({ isStrict: scene.isStrict ?? false });
let error: string | undefined;
await withScope({ durable } as unknown as RunScope, () =>
  inRegion({ kind: "function" }, async () => {
    try {
      await scene.run(stage, ready);
    } catch (thrown) {
      error = String(thrown instanceof Error ? thrown.stack : thrown);
    }
  }),
);
// Code that never rests is never quiet: some cases are.
await inRegion(RUNNER, () => Promise.race([watch.quiet(10), pause(150)]));
const seen: Seen = { unsafe: watch.unsafe(), isBusy: watch.isBusy(), ...(error === undefined ? {} : { error }) };
watch.end();
rmSync(folder, { recursive: true });
print(`\n${JSON.stringify(seen)}\n`, () => process.exit(0));

function makeStage(servers: Servers): Stage {
  return {
    servers,
    folder,
    repeatable: (fn) => inRegion({ kind: "repeatable" }, fn),
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    wait: (until = () => true) => {
      open.entries++;
      const { promise, resolve } = inRegion(RUNNER, () => Promise.withResolvers<void>());
      const look = () => {
        if (!until()) return void setTimeout(look, 5);
        open.entries--;
        resolve();
      };
      inRegion(RUNNER, () => setTimeout(look, 20));
      return promise;
    },
    async step(name, fn, options) {
      const region: Region = { kind: "step", name, isOpen: true, files: options?.files };
      open.steps++;
      open.entries++;
      try {
        return await inRegion(region, async () => fn());
      } finally {
        region.isOpen = false;
        open.steps--;
        // The journal's write.
        await inRegion(RUNNER, () => pause(2));
        open.entries--;
      }
    },
  };
}
