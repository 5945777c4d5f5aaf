import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { bundleFixtures, fixtureProject, PAYLOAD, throwingLine } from "../../sdk/test/support/bundle-fixtures.ts";
import { Project } from "./support/gantry-cli.ts";
import { type Credentials, using } from "./support/installation.ts";

const { installation } = using(inject("gantry"));
let credentials: Credentials;
let work: string;
beforeAll(async () => {
  credentials = await installation.bootstrap("bundles");
  work = await mkdtemp(join(tmpdir(), "gantry-bundles-"));
});
afterAll(() => rm(work, { recursive: true, force: true }));

describe("a project as users have them is deployed, runs, and throws at a line of its own", () => {
  test.each(bundleFixtures().map((fixture) => [fixture.title, fixture] as const))("%s", async (_title, fixture) => {
    const { url, accessToken } = credentials;
    const { projectDir } = await fixtureProject(fixture, work);
    const project = Project.at(projectDir, { GANTRY_API_URL: url, GANTRY_ACCESS_TOKEN: accessToken });
    await project.deploy("--project", credentials.project);
    const { api } = using(credentials);
    const [works, throws] = await Promise.all(["works", "throws"].map((taskId) => api.trigger(taskId, PAYLOAD)));
    const { output } = await api.untilStatus(works as string, "COMPLETED");
    expect(output).toEqual(fixture.want);
    const { error } = (await api.untilStatus(throws as string, "FAILED")) as {
      error?: { stackTrace?: string };
    };
    const { throwsIn, project: folder } = fixture;
    const file =
      folder !== undefined && throwsIn.startsWith(`${folder}/`) ? throwsIn.slice(folder.length + 1) : throwsIn;
    expect(error?.stackTrace).toContain(`/app/bundle/${file}:${throwingLine(fixture)}:`);
  });
});
