import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { testDatabase } from "../test/support/test-database.ts";
import { bootstrap } from "./bootstrap.ts";

const database = await testDatabase({ isEmpty: true });

test("an empty database gets a project, an environment, a key and an access token; a second time none is made again", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "gantry-bootstrap-"));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const request = {
    databaseUrl: database.url,
    databaseDirectUrl: undefined,
    encryptionKey: undefined,
    dataDir,
    project: "shop",
    environment: "prod",
    newKey: false,
  };
  expect(await bootstrap(request)).toEqual({
    project: "shop",
    environment: "prod",
    key: expect.stringMatching(/^gt_prod_sk_[0-9A-Za-z]{24}$/) as string,
    accessToken: expect.stringMatching(/^gt_pat_[0-9A-Za-z]{32}$/) as string,
  });
  expect(await bootstrap(request)).toMatchObject({ key: undefined, accessToken: undefined });
  expect(await bootstrap({ ...request, newKey: true })).toMatchObject({ key: expect.any(String) as string });
  expect(await bootstrap({ ...request, environment: "staging" })).toMatchObject({
    key: expect.stringMatching(/^gt_staging_sk_/) as string,
  });
});
