import { expect, test } from "vitest";
import { cli } from "../../../test/support/fake-terminal.ts";

const reply = {
  id: "sched_1",
  type: "IMPERATIVE",
  task: "report",
  active: true,
  deduplicationKey: "report",
  externalId: null,
  generator: { type: "CRON", expression: "0 5 * * *", description: "" },
  timezone: "Europe/Berlin",
  overlap: "skip",
  catchUp: { policy: "last", within: "1d" },
  jitter: null,
  nextRun: "2026-10-25T04:00:00.000Z",
  nextRunEffectiveAt: "2026-10-25T04:00:00.000Z",
  lastRun: null,
  upcoming: ["2026-10-25T04:00:00.000Z", "2026-10-26T04:00:00.000Z"],
  environments: [{ id: "env_1", type: "PRODUCTION" }],
  createdAt: "2026-10-01T00:00:00.000Z",
  updatedAt: "2026-10-01T00:00:00.000Z",
};
const answers = (body: unknown) => ({ answer: () => ({ body }) });

test("create sends what was asked for and shows what it became", async () => {
  const argv = ["schedules", "create", "report", "0 5 * * *", "--timezone", "Europe/Berlin", "--overlap", "skip"];
  const { out, requests } = await cli([...argv, "--catch-up", "all", "--within", "6h"], answers(reply));
  expect(requests[0]).toMatchObject({
    method: "POST",
    path: "/api/v1/schedules",
    body: {
      task: "report",
      cron: "0 5 * * *",
      deduplicationKey: "report",
      timezone: "Europe/Berlin",
      overlap: "skip",
      catchUp: { policy: "all", within: "6h" },
    },
  });
  expect(out.split("\n")).toEqual([
    "schedule    sched_1",
    "task        report",
    "pattern     0 5 * * *  (Europe/Berlin)",
    "state       active",
    "overlap     skip",
    "catch-up    last, within 1d",
    "made by     the API, key report",
    "next        2026-10-25T04:00:00.000Z  2026-10-25 05:00:00 GMT+1",
    "            2026-10-26T04:00:00.000Z  2026-10-26 05:00:00 GMT+1",
  ]);
});

test("list goes through all pages", async () => {
  const { out } = await cli(["schedules", "list", "--json"], {
    answer: ({ path }) => {
      const currentPage = path.includes("page=2") ? 2 : 1;
      return { body: { data: [{ ...reply, id: `sched_${currentPage}` }], pagination: { currentPage, totalPages: 2 } } };
    },
  });
  expect((JSON.parse(out) as { id: string }[]).map(({ id }) => id)).toEqual(["sched_1", "sched_2"]);
});

test.each([
  [["get", "sched_1"], "GET", "/api/v1/schedules/sched_1"],
  [["pause", "sched_1"], "POST", "/api/v1/schedules/sched_1/deactivate"],
  [["resume", "sched_1"], "POST", "/api/v1/schedules/sched_1/activate"],
  [["run", "sched_1"], "POST", "/api/v1/schedules/sched_1/run"],
  [["delete", "sched_1"], "DELETE", "/api/v1/schedules/sched_1"],
  [["preview", "0 5 * * *"], "POST", "/api/v1/schedules/preview"],
])("%j asks for %s %s", async (argv, method, path) => {
  const { exitCode, requests } = await cli(["schedules", ...argv], answers(reply));
  expect({ exitCode, ...requests[0] }).toMatchObject({ exitCode: 0, method, path });
});

test("a window of catching up without a policy is refused", async () => {
  const { exitCode, err } = await cli(["schedules", "create", "report", "@daily", "--within", "6h"]);
  expect(exitCode).toBe(2);
  expect(err).toMatch(/--catch-up/);
});
