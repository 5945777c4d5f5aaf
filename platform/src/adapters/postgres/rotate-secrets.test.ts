import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { checkpointActs } from "../../../test/support/checkpoint-acts.ts";
import { FakeClock } from "../../../test/support/fake-clock.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import { createCredentials } from "../../cluster/jwt-credentials.ts";
import { MasterKey } from "../../secrets/master-key.ts";
import { SecretBox } from "../../secrets/secret-box.ts";
import { bindMasterKey } from "./key-fingerprint.ts";
import { createPostgresCheckpointStore } from "./postgres-checkpoint-store.ts";
import { createPrisma } from "./prisma.ts";
import { PrismaProjects } from "./prisma-projects.ts";
import { PrismaVariables } from "./prisma-variables.ts";
import { rotateSecrets } from "./rotate-secrets.ts";

const base64 = (byte: number) => Buffer.alloc(32, byte).toString("base64");
const OLD = new MasterKey(base64(1));
const NEW = new MasterKey(base64(2));
const BOTH = new MasterKey(base64(2), [base64(1)]);

/** A database bound to the old key, with 450 variables and two keys sealed by it. */
async function scene() {
  const { pool, url } = await testDatabase();
  const prisma = createPrisma(pool);
  await bindMasterKey(prisma, OLD);
  const under = (master: MasterKey) => {
    const secrets = new SecretBox(master);
    const projects = new PrismaProjects({ prisma, secrets, clock: new FakeClock(Date.now()) });
    return { projects, variables: new PrismaVariables({ prisma, secrets }) };
  };
  const { projects, variables } = under(OLD);
  const [prod] = await projects.ensureProject({
    ref: "shop",
    name: "Shop",
    environments: [{ slug: "prod", type: "PRODUCTION" }],
  });
  if (prod === undefined) throw new Error("the environment was not made");
  const keys = [(await projects.createKey(prod, "full")).key, (await projects.createKey(prod, "full")).key];
  const all = Object.fromEntries(Array.from({ length: 450 }, (_, index) => [`V${index}`, `value ${index}`]));
  await variables.upload(
    prod,
    Object.entries(all).map(([name, value]) => ({ name, value })),
    false,
  );
  return { pool, url, prisma, prod, keys, all, under };
}

test("a rotation seals everything anew, says how much, and binds the database to the new key", async () => {
  const { pool, prisma, prod, keys, all, under } = await scene();
  await bindMasterKey(prisma, BOTH);
  expect(await under(BOTH).variables.resolve(prod.id)).toEqual(all);
  await under(BOTH).variables.upload(prod, [{ name: "LATER", value: "1" }], false);
  expect(await rotateSecrets(pool, BOTH)).toEqual({
    apiKeys: 2,
    variables: 450,
    checkpoints: 0,
    fingerprint: NEW.fingerprint,
  });
  expect(await rotateSecrets(pool, BOTH)).toEqual({
    apiKeys: 0,
    variables: 0,
    checkpoints: 0,
    fingerprint: NEW.fingerprint,
  });
  await bindMasterKey(prisma, NEW);
  expect(await under(NEW).variables.resolve(prod.id)).toEqual({ ...all, LATER: "1" });
  expect((await under(NEW).projects.signingKeys(prod.id)).sort()).toEqual([...keys].sort());
  await expect(bindMasterKey(prisma, OLD)).rejects.toThrow(/encrypted with another key/);
});

test("a rotation that was stopped halfway is gone on with, and two at once are as one", async () => {
  const { pool, prod, all, under } = await scene();
  await pool.query(
    `create function stop() returns trigger language plpgsql as $$ begin
       if new.name = 'V99' then raise exception 'pulled'; end if; return new; end $$`,
  );
  await pool.query("create trigger stop before update on environment_variable for each row execute function stop()");
  await expect(rotateSecrets(pool, BOTH)).rejects.toThrow("pulled");
  expect(await under(BOTH).variables.resolve(prod.id)).toEqual(all);
  await pool.query("drop trigger stop on environment_variable");
  const [one, two] = await Promise.all([rotateSecrets(pool, BOTH), rotateSecrets(pool, BOTH)]);
  expect((one?.variables ?? 0) + (two?.variables ?? 0)).toBeLessThanOrEqual(450);
  expect(await under(NEW).variables.resolve(prod.id)).toEqual(all);
});

test("a rotation seals the keys of stored processes anew, and what their runners said", async () => {
  const { pool } = await testDatabase();
  const acts = await checkpointActs(pool, new SecretBox(OLD));
  const { run, key, stored } = await acts.suspended();
  const staged = await acts.staged(await acts.idle());
  expect(await rotateSecrets(pool, BOTH)).toMatchObject({ checkpoints: 2 });
  expect(await rotateSecrets(pool, BOTH)).toMatchObject({ checkpoints: 0 });
  const after = createPostgresCheckpointStore(pool, new SecretBox(NEW));
  const { memo, checkpointId } = stored;
  expect(await after.restoreGrant(acts.at.environmentId, run.runId)).toMatchObject({ key, memo, checkpointId });
  await expect(acts.checkpoints.restoreGrant(acts.at.environmentId, run.runId)).rejects.toThrow("was not given");
  expect(await acts.stateOf(staged.stored.checkpointId)).toBe("staged");
});

test("a secret that no given key opens is named, and the database stays bound to its key", async () => {
  const { pool, prisma, prod } = await scene();
  const stranger = new SecretBox(new MasterKey(base64(9)));
  await pool.query("update environment_variable set value_encrypted = $1 where name = 'V7'", [
    stranger.seal("x", `environment/${prod.id}/V7`),
  ]);
  await expect(rotateSecrets(pool, BOTH)).rejects.toThrow(`"environment/${prod.id}/V7" opens with none`);
  await bindMasterKey(prisma, OLD);
});

test("a wrong key is refused, and so is one whose predecessor is not named", async () => {
  const { prisma } = await scene();
  await expect(bindMasterKey(prisma, NEW)).rejects.toThrow(/PREVIOUS_ENCRYPTION_KEYS/);
  await expect(bindMasterKey(prisma, new MasterKey(base64(3), [base64(4)]))).rejects.toThrow(/another key/);
});

test("tokens of workers and runs that the old key signed are accepted while it is named, and new ones are the new key's", () => {
  const [old, both, next] = [createCredentials(OLD), createCredentials(BOTH), createCredentials(NEW)];
  const worker = { workerId: "w", environmentId: 1, deploymentId: "d" };
  const run = { environmentId: 1, runId: "r", executionId: "e", fence: "1" };
  const boot = { executionId: "e", environmentId: 1, deploymentId: "d" };
  expect(both.verifyWorkerToken(old.issueWorkerToken(worker))).toEqual(worker);
  expect(both.verifyRunToken(old.issueRunToken(run))).toEqual(run);
  const expiresAt = new Date(Date.now() + 60_000);
  expect(both.verifyBootstrapToken(old.issueBootstrapToken({ ...boot, expiresAt }))).toEqual(boot);
  const past = old.issueBootstrapToken({ ...boot, expiresAt: new Date(Date.now() - 60_000) });
  expect(both.verifyBootstrapToken(past)).toBe("expired");
  expect(next.verifyWorkerToken(old.issueWorkerToken(worker))).toBeUndefined();
  expect(next.verifyWorkerToken(both.issueWorkerToken(worker))).toEqual(worker);
  expect(both.verifyRunToken(old.issueWorkerToken(worker))).toBeUndefined();
});

test("gantry-platform rotate-key and access-token do it from the command line", { timeout: 90_000 }, async () => {
  const { url, under } = await scene();
  const platform = async (...args: string[]) => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--conditions=gantry-source", new URL("../../main.ts", import.meta.url).pathname, ...args],
      {
        env: {
          PATH: process.env.PATH,
          GANTRY_PLATFORM_DATABASE_URL: url,
          GANTRY_PLATFORM_ENCRYPTION_KEY: base64(2),
          GANTRY_PLATFORM_PREVIOUS_ENCRYPTION_KEYS: base64(1),
        },
      },
    );
    return JSON.parse(stdout) as Record<string, unknown>;
  };
  expect(await platform("rotate-key")).toEqual({
    apiKeys: 2,
    variables: 450,
    checkpoints: 0,
    fingerprint: NEW.fingerprint,
  });
  const made = await platform("access-token", "create", "--name", "ci", "--scope", "deploy", "--expires-in", "90d");
  expect(made).toMatchObject({ name: "ci", scopes: ["deploy"], token: expect.stringMatching(/^gt_pat_/) });
  const { projects } = under(NEW);
  expect(await projects.authenticateAccessToken(String(made.token))).toMatchObject({ scopes: ["deploy"] });
  expect(await platform("access-token", "list")).toMatchObject([{ id: made.id, hint: String(made.token).slice(-4) }]);
  await platform("access-token", "revoke", String(made.id));
  expect(await platform("access-token", "list")).toEqual([]);
  await expect(platform("rotate-keys")).rejects.toThrow(/no command "rotate-keys"/);
});
