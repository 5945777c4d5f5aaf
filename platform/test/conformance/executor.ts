import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Executor, LaunchRequest } from "../../src/cluster/executor.ts";

/** An executor with a place of its own, as the suite needs it. */
export interface ExecutorPlace {
  /** As a platform that starts: also a second one, or the next after one was killed. */
  start(): Promise<Executor>;
  /** An execution that waits for a worker. */
  request(): LaunchRequest;
  /** What tells the living workers of the execution apart: pods, processes. */
  workersOf(request: LaunchRequest): Promise<string[]>;
  /** Ends everything, whatever the test has left. */
  close(): Promise<void>;
}

export interface ExecutorSuite {
  make(): Promise<ExecutorPlace>;
  /** Why the executor does not end an abandoned worker itself; undefined where it does. */
  leavesAbandoned?: string;
  /** Why there is nothing to test on; undefined where there is. */
  skip?: string | undefined;
}

const LONG = { timeout: 60_000, interval: 50 };
/** For seeing that nothing more comes: a second worker would be there by then. */
const SETTLED_AFTER = 5;

/** What every executor keeps to; see the port's own words. */
export function executorConformance(name: string, { make, leavesAbandoned, skip }: ExecutorSuite): void {
  const title = `the executor ${name}${skip === undefined ? "" : ` (skipped: ${skip})`}`;
  describe.skipIf(skip !== undefined)(title, { timeout: 120_000 }, () => {
    let place: ExecutorPlace;
    beforeEach(async () => {
      place = await make();
    });
    afterEach(() => place.close());

    async function oneWorker(request: LaunchRequest): Promise<string> {
      await expect.poll(() => place.workersOf(request), LONG).toHaveLength(1);
      return (await place.workersOf(request))[0] as string;
    }

    test("a launch brings one worker, however often and by however many platforms it is asked", async () => {
      const [one, other] = [await place.start(), await place.start()];
      const request = place.request();
      await Promise.all([one.launch([request, request]), one.launch([request]), other.launch([request])]);
      const worker = await oneWorker(request);
      await one.launch([request]);
      for (let look = 0; look < SETTLED_AFTER; look++) expect(await place.workersOf(request)).toEqual([worker]);
    });

    test("a launch by the next platform, after one was killed, finds the worker that is there", async () => {
      const request = place.request();
      await (await place.start()).launch([request]);
      const worker = await oneWorker(request);
      const next = await place.start();
      await next.launch([request]);
      for (let look = 0; look < SETTLED_AFTER; look++) expect(await place.workersOf(request)).toEqual([worker]);
    });

    test("a launch of nothing, and the end of what never was, are no errors", async () => {
      const executor = await place.start();
      const request = place.request();
      await executor.launch([]);
      await executor.abandon(request.executionId);
      await executor.retire(request.deployment.id);
      expect(await place.workersOf(request)).toEqual([]);
    });

    test.skipIf(leavesAbandoned !== undefined)(
      `an abandoned execution's worker ends, and others stay${leavesAbandoned ? ` (skipped: ${leavesAbandoned})` : ""}`,
      async () => {
        const executor = await place.start();
        const [given, kept] = [place.request(), place.request()];
        await executor.launch([given, kept]);
        await oneWorker(given);
        const worker = await oneWorker(kept);
        await executor.abandon(given.executionId);
        await expect.poll(() => place.workersOf(given), LONG).toEqual([]);
        await executor.abandon(given.executionId);
        expect(await place.workersOf(kept)).toEqual([worker]);
      },
    );

    test("a look shows each worker once, whoever looks, and changes nothing", async () => {
      const [one, other] = [await place.start(), await place.start()];
      const request = place.request();
      const { workers: before } = await one.look(request.environment);
      const newcomers = async (executor: Executor) => {
        const { workers } = await executor.look(request.environment);
        return workers.filter(({ name }) => before.every((worker) => worker.name !== name));
      };
      await one.launch([request]);
      const worker = await oneWorker(request);
      const want = { phase: expect.stringMatching(/^(PENDING|RUNNING)$/), createdAt: expect.stringMatching(/^20.*Z$/) };
      for (const executor of [one, other])
        await expect.poll(() => newcomers(executor), LONG).toMatchObject([{ ...want, restarts: 0 }]);
      expect(await place.workersOf(request)).toEqual([worker]);
    });

    test("workers outlive a platform that leaves them", async () => {
      const executor = await place.start();
      const request = place.request();
      await executor.launch([request]);
      const worker = await oneWorker(request);
      await executor.stop("leave");
      expect(await place.workersOf(request)).toEqual([worker]);
    });

    test("no worker outlives a platform that ends them", async () => {
      const executor = await place.start();
      const request = place.request();
      await executor.launch([request]);
      await oneWorker(request);
      await executor.stop("kill");
      await expect.poll(() => place.workersOf(request), LONG).toEqual([]);
    });
  });
}
