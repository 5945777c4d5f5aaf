import { expect, test } from "vitest";
import { type CliOptions, cli } from "../../../test/support/fake-terminal.ts";

const version = (name: string, isCurrent: boolean) => ({
  id: `deployment_${name}`,
  version: name,
  shortCode: name,
  status: "DEPLOYED",
  isCurrent,
  createdAt: "2026-01-01T11:00:00.000Z",
  worker: { id: "w", version: name, tasks: [{ id: "hello", slug: "hello", filePath: "tasks/hello.ts" }] },
});
const VERSIONS = [version("20260101.2", true), version("20260101.1", false)];

const answer: CliOptions["answer"] = ({ method, path }) => {
  if (path.startsWith("/api/v1/deployments?")) return { body: { data: VERSIONS, pagination: {} } };
  if (path === "/api/v1/deployments/current") return { body: VERSIONS[0] };
  if (path === "/api/v1/deployments/prune") return { body: { versions: ["20251231.1"] } };
  const promoted = /deployments\/([\d.]+)\/promote$/.exec(path)?.[1];
  if (method === "POST" && promoted !== undefined) return { body: { id: "d", version: promoted, shortCode: promoted } };
  const found = VERSIONS.find(({ id }) => path.endsWith(id));
  return found === undefined ? { status: 404, body: { error: "Nothing.", code: "NOT_FOUND" } } : { body: found };
};

test("deployments list shows versions, which is current, their tasks and their age", async () => {
  const { out, exitCode } = await cli(["deployments", "list"], { answer });
  expect(exitCode).toBe(0);
  expect(out).toMatch(/VERSION +TASKS +MADE\n20260101\.2 +current +hello +1h ago\n20260101\.1 +hello +1h ago/);
  const { out: json } = await cli(["deployments", "list", "--json", "--limit", "1"], { answer });
  expect(JSON.parse(json)).toMatchObject([{ version: "20260101.2", isCurrent: true, tasks: [{ slug: "hello" }] }]);
});

test("promote says from which version to which", async () => {
  const { out } = await cli(["promote", "20260101.1"], { answer });
  expect(out).toBe("● 20260101.2 → 20260101.1 is in service");
  const { out: json } = await cli(["promote", "20260101.1", "--json"], { answer });
  expect(JSON.parse(json)).toMatchObject({ from: "20260101.2", version: "20260101.1" });
  expect((await cli(["promote", "20260101.2"], { answer })).out).toBe("20260101.2 is in service already.");
});

test("an access token says for which project and environment it asks", async () => {
  const env = { GANTRY_ACCESS_TOKEN: "gt_pat_abc" };
  const { requests } = await cli(["promote", "20260101.1", "--project", "shop", "--env", "staging"], { answer, env });
  for (const { headers } of requests) {
    expect([headers.get("x-gantry-project"), headers.get("x-gantry-environment")]).toEqual(["shop", "staging"]);
  }
});

test("deployments prune names what it removed", async () => {
  expect((await cli(["deployments", "prune"], { answer })).out).toBe("Removed the images of 20251231.1.");
});
