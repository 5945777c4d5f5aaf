import { expect, onTestFinished, test, vi } from "vitest";
import { describeBus } from "../../../test/conformance/bus.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import type { BusMessage } from "../../cluster/bus.ts";
import { NotifyBus } from "./notify-bus.ts";

const ours = await testDatabase();
const theirs = await testDatabase();

function replica(connectionString = ours.url) {
  const lines: string[] = [];
  const log = (level: string) => (_fields: unknown, text?: string) => void lines.push(`${level}: ${text}`);
  const bus = new NotifyBus({ connectionString, logger: { warn: log("warn"), info: log("info") } as never });
  onTestFinished(() => bus.close());
  const heard: BusMessage[] = [];
  bus.subscribe((message) => heard.push(message));
  return { bus, heard, lines };
}

describeBus("Postgres' NOTIFY", async () => ({
  join: (installation) => replica(installation === "ours" ? ours.url : theirs.url).bus,
}));

test("a session that is cut is made again, complained about once, and nothing throws meanwhile", async () => {
  const [a, b] = [replica(), replica()];
  const reaches = (environmentId: number) =>
    vi.waitFor(
      () => {
        a.bus.publish({ type: "changed", environmentId });
        expect(b.heard).toContainEqual({ type: "changed", environmentId });
      },
      { timeout: 10_000, interval: 20 },
    );
  await reaches(1);
  // Of this database alone: the server has those of other test files, too.
  await ours.pool.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'gantry bus' and datname = current_database()",
  );
  await expect.poll(() => a.lines.length).toBeGreaterThan(0);
  for (let i = 0; i < 20; i++) a.bus.publish({ type: "changed", environmentId: 100 + i });
  await reaches(2);
  expect(a.lines).toEqual([
    expect.stringMatching(/^warn: the connection for NOTIFY is away/),
    expect.stringMatching(/^info/),
  ]);
});
