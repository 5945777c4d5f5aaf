import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { AttemptReports } from "./attempt-reports.ts";
import type { Request } from "./platform-link.ts";
import { AttemptHost } from "./task-host.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const set = (value: number) => ({ operations: [{ type: "set" as const, key: "n", value }] });

test("a run that sets its metadata a thousand times a second writes it twenty times, and the last value", async () => {
  const requests: Request[] = [];
  const reports = new AttemptReports({ executionId: "e", fence: "1" }, 1, async (request) => {
    requests.push(request);
    await new Promise((answered) => setTimeout(answered, 3));
  });
  const host = new AttemptHost({
    connection: {
      send(message: { t: string }) {
        const { t: _, ...change } = message;
        reports.metadata(change as never);
        void reports.sendMetadata();
      },
    } as never,
    apiUrl: "http://localhost",
    grant: { runToken: "t", run: { failureHook: true } } as never,
    drainSignal: new AbortController().signal,
    watch: undefined,
  });
  for (let n = 1; n <= 1000; n++) {
    host.metadata(set(n));
    await vi.advanceTimersByTimeAsync(1);
  }
  await vi.advanceTimersByTimeAsync(100);
  expect(requests.length).toBeLessThanOrEqual(22);
  expect(requests.at(-1)).toMatchObject({ type: "metadata", ...set(1000) });
  expect(requests.map((request) => (request as { batch: number }).batch)).toEqual(requests.map((_, index) => index));
});

test("the first change of a quiet run is on its way within the same turn", async () => {
  const requests: Request[] = [];
  const reports = new AttemptReports({ executionId: "e", fence: "1" }, 1, async (request) => requests.push(request));
  reports.metadata(set(1));
  void reports.sendMetadata();
  expect(requests).toHaveLength(1);
});

test("what is set while a request is on its way goes with the next, as one", async () => {
  const requests: Request[] = [];
  const answers: (() => void)[] = [];
  const reports = new AttemptReports({ executionId: "e", fence: "1" }, 1, (request) => {
    requests.push(request);
    return new Promise<void>((answered) => answers.push(answered));
  });
  for (let n = 1; n <= 5; n++) {
    reports.metadata(set(n));
    void reports.sendMetadata();
  }
  expect(requests).toHaveLength(1);
  answers.shift()?.();
  await vi.advanceTimersByTimeAsync(0);
  expect(requests).toHaveLength(2);
  expect(requests[1]).toMatchObject(set(5));
});
