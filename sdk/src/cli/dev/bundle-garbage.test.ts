import { mkdirSync, readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { emptyFolder } from "../../../test/support/fake-terminal.ts";
import type { ApiClient } from "../../client/api-client.ts";
import { bundlesDir } from "../bundle/bundler.ts";
import { collectBundles } from "./bundle-garbage.ts";

/** A project with bundles b1 (the oldest) to b8. */
function projectWithBundles(): string {
  const project = emptyFolder();
  for (let age = 8; age >= 1; age--) {
    const folder = join(bundlesDir(project), `b${9 - age}`);
    mkdirSync(folder, { recursive: true });
    utimesSync(folder, 1_000_000 - age, 1_000_000 - age);
  }
  return project;
}

const liveRuns = (...versions: string[]): Pick<ApiClient, "listRuns"> => ({
  listRuns: (() =>
    Promise.resolve({ data: versions.map((version) => ({ version })), hasNextPage: () => false })) as never,
});
const versionOf = new Map([1, 2, 3, 4, 5, 6, 7, 8].map((number) => [`b${number}`, `v${number}`]));

test("the newest bundles stay, and older ones that a live run needs", async () => {
  const project = projectWithBundles();
  await collectBundles(project, liveRuns("v2", "v8"), versionOf);
  expect(readdirSync(bundlesDir(project)).sort()).toEqual(["b2", "b4", "b5", "b6", "b7", "b8"]);
});

test("a bundle of an earlier session stays while any run is live", async () => {
  const project = projectWithBundles();
  await collectBundles(project, liveRuns("v8"), new Map());
  expect(readdirSync(bundlesDir(project))).toHaveLength(8);
  await collectBundles(project, liveRuns(), new Map());
  expect(readdirSync(bundlesDir(project))).toHaveLength(5);
});
