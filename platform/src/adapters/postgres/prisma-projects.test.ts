import { DEFAULT_LIMITS } from "@gantry/sdk/contract";
import { describe, expect, test } from "vitest";
import { FakeClock } from "../../../test/support/fake-clock.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import { MasterKey } from "../../secrets/master-key.ts";
import { SecretBox } from "../../secrets/secret-box.ts";
import { bindMasterKey } from "./key-fingerprint.ts";
import { createPrisma } from "./prisma.ts";
import { PrismaProjects } from "./prisma-projects.ts";

const { pool } = await testDatabase();
const prisma = createPrisma(pool);
const master = new MasterKey(Buffer.alloc(32, 1).toString("base64"));
const secrets = new SecretBox(master);
const SECRET = "0123456789abcdefghijABCD";
let projectNumber = 0;

/** A project of its own with the environments dev and prod. */
async function scene() {
  const clock = new FakeClock(Date.now());
  const projects = new PrismaProjects({ prisma, secrets, clock });
  const ref = `shop-${++projectNumber}`;
  const [dev, prod] = await projects.ensureProject({
    ref,
    name: "Shop",
    environments: [
      { slug: "dev", type: "DEVELOPMENT" },
      { slug: "prod", type: "PRODUCTION" },
    ],
  });
  if (!dev || !prod) throw new Error("the environments were not made");
  return { clock, projects, ref, dev, prod, replica: new PrismaProjects({ prisma, secrets, clock }) };
}

describe("projects and environments", () => {
  test("are made once and found by name and id", async () => {
    const { projects, ref, dev } = await scene();
    const again = await projects.ensureProject({
      ref,
      name: "Renamed",
      environments: [{ slug: "dev", type: "STAGING" }],
    });
    expect(again).toEqual([dev]);
    expect(dev).toMatchObject({
      publicId: `env_${dev.id}`,
      slug: "dev",
      type: "DEVELOPMENT",
      projectRef: ref,
      projectName: "Shop",
    });
    expect(await projects.environment(ref, "dev")).toEqual(dev);
    expect(await projects.environmentById(dev.id)).toEqual(dev);
    expect(await projects.environments()).toContainEqual(dev);
    expect(await projects.environment(ref, "staging")).toBeUndefined();
    expect(await projects.environmentById(999_999)).toBeUndefined();
  });

  test("have the default limits, and their own where they are set", async () => {
    const { projects, dev, prod } = await scene();
    expect(await projects.limits(prod)).toEqual(DEFAULT_LIMITS);
    await projects.setLimits(prod, { environmentConcurrency: 7, payloadBytes: 10 });
    await projects.setLimits(prod, { tagsPerRun: 3 });
    await projects.setLimits(dev, { devConcurrency: 2 });
    expect(await projects.limits(prod)).toEqual({
      ...DEFAULT_LIMITS,
      environmentConcurrency: 7,
      payloadBytes: 10,
      tagsPerRun: 3,
    });
    const { rows } = await pool.query("select concurrency_limit from environment where id = any($1) order by id", [
      [dev.id, prod.id],
    ]);
    expect(rows).toEqual([{ concurrency_limit: 2 }, { concurrency_limit: 7 }]);
  });

  test("refuse a limit that does not exist or makes no sense", async () => {
    const { projects, dev } = await scene();
    await expect(projects.setLimits(dev, { tagsPerRum: 1 } as never)).rejects.toMatchObject({
      code: "VALIDATION_FAILED",
    });
    await expect(projects.setLimits(dev, { tagsPerRun: -1 })).rejects.toMatchObject({ code: "VALIDATION_FAILED" });
  });

  test("can be paused and go on", async () => {
    const { projects, dev } = await scene();
    const paused = async () =>
      (await pool.query("select paused_at is not null as paused from environment where id = $1", [dev.id])).rows;
    await projects.pause(dev, true);
    expect(await paused()).toEqual([{ paused: true }]);
    await projects.pause(dev, false);
    expect(await paused()).toEqual([{ paused: false }]);
  });
});

describe("keys", () => {
  test("open their own environment, under the alias too, and no other", async () => {
    const { projects, dev, prod } = await scene();
    const { key, info } = await projects.createKey(prod, "trigger");
    expect(key).toMatch(/^gt_prod_sk_[0-9A-Za-z]{24}$/);
    const want = { environment: prod, keyId: info.id, scope: "trigger" };
    expect(await projects.authenticateKey(key)).toEqual(want);
    expect(await projects.authenticateKey(key.replace("gt_", "tr_"))).toEqual(want);
    expect(await projects.authenticateKey(key.replace("prod", dev.slug))).toBeUndefined();
    expect(await projects.listKeys(dev)).toEqual([]);
  });

  const nonsense = [
    "",
    "gt_dev_sk_short",
    `gt_dev_sk_${SECRET}x`,
    `xx_dev_sk_${SECRET}`,
    `gt_dev_sk_${SECRET}\0`,
    "🔑".repeat(9),
  ];
  test.each(nonsense)("%j is no key", async (key) => {
    const { projects } = await scene();
    expect(await projects.authenticateKey(key)).toBeUndefined();
    expect(await projects.authenticateAccessToken(key)).toBeUndefined();
  });

  test("are in the database as a hash and encrypted, never as they are", async () => {
    const { projects, dev } = await scene();
    const { key } = await projects.createKey(dev, "full");
    const { rows } = await pool.query(
      "select row_to_json(api_key)::text as row, encode(secret_encrypted, 'escape') as raw from api_key",
    );
    expect(JSON.stringify(rows)).not.toContain(key.slice(-24));
    expect(await projects.signingKeys(dev.id)).toEqual([key]);
  });

  test("a limited key signs no tokens", async () => {
    const { projects, dev } = await scene();
    await projects.createKey(dev, "read");
    expect(await projects.signingKeys(dev.id)).toEqual([]);
  });

  test("a pinned secret gives the same key each time, and belongs to one environment", async () => {
    const first = await scene();
    const second = await scene();
    const made = await first.projects.createKey(first.dev, "full", SECRET);
    const again = await first.projects.createKey(first.dev, "full", SECRET);
    expect(made.key).toBe(`gt_dev_sk_${SECRET}`);
    expect(again).toEqual(made);
    await expect(second.projects.createKey(second.dev, "full", SECRET)).rejects.toMatchObject({ code: "CONFLICT" });
    await expect(first.projects.createKey(first.dev, "full", "short")).rejects.toMatchObject({
      code: "VALIDATION_FAILED",
    });
  });

  test("a revoked key is refused at once here, and within seconds on every other replica", async () => {
    const { projects, replica, clock, dev } = await scene();
    const { key, info } = await projects.createKey(dev, "full");
    await Promise.all([projects.authenticateKey(key), replica.authenticateKey(key)]);
    await projects.revokeKey(dev, info.id, 0);
    expect(await projects.authenticateKey(key)).toBeUndefined();
    clock.advance(3_000);
    expect(await replica.authenticateKey(key)).toBeUndefined();
    expect(await projects.listKeys(dev)).toEqual([]);
    expect(await projects.signingKeys(dev.id)).toEqual([]);
  });

  test("a key that is rotated works until its grace has passed", async () => {
    const { projects, clock, dev } = await scene();
    const { key, info } = await projects.createKey(dev, "full");
    await projects.revokeKey(dev, info.id, 60_000);
    expect(await projects.authenticateKey(key)).toMatchObject({ keyId: info.id });
    clock.advance(60_001);
    expect(await projects.authenticateKey(key)).toBeUndefined();
  });

  test("a key can be revoked by its own environment only", async () => {
    const { projects, dev, prod } = await scene();
    const { info } = await projects.createKey(dev, "full");
    await expect(projects.revokeKey(prod, info.id, 0)).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(projects.revokeKey(dev, "key_nonsense", 0)).rejects.toMatchObject({ code: "MALFORMED_ID" });
  });
});

describe("tokens", () => {
  test("an access token opens what it was made for", async () => {
    const { projects } = await scene();
    const { token, tokenId } = await projects.createAccessToken("ada", ["read"]);
    expect(await projects.authenticateAccessToken(token)).toEqual({ tokenId, scopes: ["read"] });
    expect(await projects.authenticateAccessToken(`gt_pat_${"x".repeat(32)}`)).toBeUndefined();
  });

  test("a one-time token can be spent once, by whoever comes first", async () => {
    const { projects, replica, clock } = await scene();
    const spent = await Promise.all(
      [projects, replica, projects].map((each) => each.spendToken("jti-1", clock.now() + 60_000)),
    );
    expect(spent.filter(Boolean)).toHaveLength(1);
  });
});

test("a database is bound to the first key it meets, and refuses every other", async () => {
  await bindMasterKey(prisma, master);
  await bindMasterKey(prisma, master);
  const wrong = new MasterKey(Buffer.alloc(32, 2).toString("base64"));
  await expect(bindMasterKey(prisma, wrong)).rejects.toThrow(/another key.*GANTRY_PLATFORM_ENCRYPTION_KEY/);
});
