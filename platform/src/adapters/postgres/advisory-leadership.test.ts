import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test, vi } from "vitest";
import { testDatabase } from "../../../test/support/test-database.ts";
import { AdvisoryLeadership } from "./advisory-leadership.ts";

const silent = { info: () => undefined, warn: () => undefined } as never;

function candidate(connectionString: string, now?: () => number) {
  const leadership = new AdvisoryLeadership({ connectionString, logger: silent, ...(now && { now }) });
  const changes: boolean[] = [];
  leadership.onChange((isLeader) => changes.push(isLeader));
  onTestFinished(() => leadership.close());
  return { leadership, changes };
}

const until = (condition: () => boolean, timeout = 5_000) =>
  vi.waitFor(() => expect(condition()).toBe(true), { timeout, interval: 10 });

test("of several replicas exactly one leads; when it ends the next does within a second", async () => {
  const { url } = await testDatabase();
  const all = [candidate(url), candidate(url), candidate(url)];
  const leaders = () => all.filter(({ leadership }) => leadership.isLeader);
  await until(() => leaders().length === 1);
  const [first] = leaders();
  await first?.leadership.close();
  expect(first?.changes).toEqual([true, false]);
  await until(() => leaders().length === 1, 1_500);
  expect(leaders()[0]).not.toBe(first);
});

test("databases have leaders of their own", async () => {
  const [one, two] = [await testDatabase(), await testDatabase()];
  const [a, b] = [candidate(one.url), candidate(two.url)];
  await until(() => a.leadership.isLeader && b.leadership.isLeader);
});

test("a leader whose session is cut knows it at once, and somebody leads again", async () => {
  const { url, pool } = await testDatabase();
  const { leadership, changes } = candidate(url);
  await until(() => leadership.isLeader);
  // Of this database alone: the server has those of other test files, too.
  await pool.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'gantry leader' and datname = current_database()",
  );
  await until(() => changes.includes(false), 1_000);
  await until(() => leadership.isLeader);
  expect(changes).toEqual([true, false, true]);
});

test("a leader that has not heard of its database for four seconds does not call itself one", async () => {
  const { url } = await testDatabase();
  let skew = 0;
  const { leadership } = candidate(url, () => performance.now() + skew);
  await until(() => leadership.isLeader);
  skew = 4_000;
  expect(leadership.isLeader).toBe(false);
});

test("a leader in another process that is killed -9 is followed within two seconds", async () => {
  const { url } = await testDatabase();
  const other = await leadingProcess(url);
  const { leadership } = candidate(url);
  await new Promise((tried) => leadership.onChange(tried) ?? setTimeout(tried, 700));
  expect(leadership.isLeader).toBe(false);
  const killedAt = performance.now();
  other.kill("SIGKILL");
  await until(() => leadership.isLeader);
  expect(performance.now() - killedAt).toBeLessThan(2_000);
});

/** Another process that has taken the lead. */
async function leadingProcess(url: string): Promise<ChildProcess> {
  const script = join(import.meta.dirname, "..", "..", "..", "test", "support", "leader.ts");
  const child = spawn(process.execPath, ["--conditions=gantry-source", script, url], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "spawn");
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream }))
    if (line === "leads") break;
  return child;
}
