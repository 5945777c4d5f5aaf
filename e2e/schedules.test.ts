import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { freePort } from "../platform/test/support/free-port.ts";
import { devProcess } from "../sdk/test/support/dev-process.ts";
import { eventually } from "./support/eventually.ts";

const ROOT = join(import.meta.dirname, "..");
const CLI = join(ROOT, "sdk/dist/cli/main.js");

function userProject(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "gantry-e2e-")));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
  writeFileSync(join(folder, "package.json"), '{"name":"shop","type":"module"}');
  mkdirSync(join(folder, "tasks"));
  mkdirSync(join(folder, "node_modules/@gantry"), { recursive: true });
  for (const name of ["sdk", "platform"]) symlinkSync(join(ROOT, name), join(folder, "node_modules/@gantry", name));
  return folder;
}

async function gantry(cwd: string, ...args: string[]): Promise<{ out: string; err: string }> {
  const { GANTRY_SECRET_KEY: _key, GANTRY_API_URL: _url, ...env } = process.env;
  return promisify(execFile)(process.execPath, [CLI, ...args], { cwd, env }).then(
    ({ stdout, stderr }) => ({ out: stdout, err: stderr }),
    (error: { stdout: string; stderr: string }) => ({ out: error.stdout, err: error.stderr }),
  );
}

const report = (cron: string) => `import { schedules } from "@gantry/sdk";
export const report = schedules.task({
  id: "report",
  cron: ${cron},
  run: async ({ timestamp, lastTimestamp, upcoming, ...rest }) => ({
    isDate: timestamp instanceof Date && upcoming.every((at) => at instanceof Date),
    at: timestamp.getTime(),
    last: lastTimestamp?.getTime(),
    ...rest,
  }),
});
`;
interface Shown {
  id: string;
  status: string;
  output?: { at: number; last: number };
}

test("in `gantry dev` a task's schedule runs, follows the code, and says what is wrong with it", async () => {
  const project = userProject();
  const file = join(project, "tasks/report.ts");
  writeFileSync(file, report('{ pattern: "* * * * * *", timezone: "Europe/Berlin" }'));
  const dev = devProcess(project, { port: await freePort() });
  await dev.next(({ event }) => event === "deployed");
  const listed = async () => JSON.parse((await gantry(project, "schedules", "list", "--json")).out) as { id: string }[];
  const [schedule] = await listed();
  expect(schedule).toMatchObject({ type: "DECLARATIVE", task: "report", timezone: "Europe/Berlin", active: true });

  const completed = await eventually("a second scheduled run", async () => {
    const runs = JSON.parse((await gantry(project, "runs", "list", "--json")).out) as Shown[];
    const ended = runs.filter(({ status }) => status === "COMPLETED");
    return ended.length >= 2 ? ended[0] : undefined;
  });
  const run = JSON.parse((await gantry(project, "runs", "get", completed.id, "--json")).out) as Required<Shown>;
  const from = { id: schedule?.id, generator: { expression: "* * * * * *" } };
  expect(run).toMatchObject({
    schedule: from,
    output: { isDate: true, type: "DECLARATIVE", timezone: "Europe/Berlin" },
  });
  expect(run.output.at - run.output.last).toBe(1000);

  writeFileSync(file, report('"0 5 * * *"'));
  await dev.next(({ event }) => event === "deployed");
  expect(await listed()).toMatchObject([{ id: schedule?.id, timezone: "UTC", generator: { expression: "0 5 * * *" } }]);

  writeFileSync(file, report('"0 5 * *"'));
  const wrong = await dev.next((event) => JSON.stringify(event).includes("INVALID_SCHEDULE"));
  expect(JSON.stringify(wrong)).toMatch(/report\.ts.*4 fields; five are needed/);
}, 120_000);
