import { describe, expect, test } from "vitest";
import { FakeClock } from "../../../test/support/fake-clock.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import { MasterKey } from "../../secrets/master-key.ts";
import { SecretBox } from "../../secrets/secret-box.ts";
import { createPrisma } from "./prisma.ts";
import { PrismaProjects } from "./prisma-projects.ts";
import { PrismaVariables } from "./prisma-variables.ts";

const { pool } = await testDatabase();
const prisma = createPrisma(pool);
const secrets = new SecretBox(new MasterKey(Buffer.alloc(32, 1).toString("base64")));
const variables = new PrismaVariables({ prisma, secrets });
let number = 0;

async function scene() {
  const projects = new PrismaProjects({ prisma, secrets, clock: new FakeClock(Date.now()) });
  const [dev, prod] = await projects.ensureProject({
    ref: `shop-${++number}`,
    name: "Shop",
    environments: [
      { slug: "dev", type: "DEVELOPMENT" },
      { slug: "prod", type: "PRODUCTION" },
    ],
  });
  if (!dev || !prod) throw new Error("the environments were not made");
  return { dev, prod };
}
const plain = (name: string, value: string) => ({ name, value, isSecret: false });

describe("an environment's variables", () => {
  test("are kept by name, seen by their own environment alone, and given to its workers", async () => {
    const { dev, prod } = await scene();
    await variables.upload(prod, [plain("B", "2"), { name: "A", value: "é\n=1", isSecret: true }], false);
    expect(await variables.list(prod)).toEqual([
      { name: "A", value: "é\n=1", isSecret: true, updatedAt: expect.any(Date) as Date },
      { name: "B", value: "2", isSecret: false, updatedAt: expect.any(Date) as Date },
    ]);
    expect(await variables.resolve(prod.id)).toEqual({ A: "é\n=1", B: "2" });
    expect(await variables.list(dev)).toEqual([]);
    expect(await variables.resolve(dev.id)).toEqual({});
    expect(await variables.remove(dev, "A")).toBe(false);
    expect(await variables.remove(prod, "A")).toBe(true);
    expect(await variables.retrieve(prod, "A")).toBeUndefined();
  });

  test("are sealed at rest, and open under no other name and in no other environment", async () => {
    const { dev, prod } = await scene();
    await variables.upload(prod, [plain("TOKEN", "open-sesame")], false);
    const { rows } = await pool.query("select value_encrypted v from environment_variable where environment_id = $1", [
      prod.id,
    ]);
    expect(rows[0].v.includes("open-sesame")).toBe(false);
    await pool.query(
      `insert into environment_variable (environment_id, name, value_encrypted) values ($1, 'TOKEN', $2), ($3, 'OTHER', $2)`,
      [dev.id, rows[0].v, prod.id],
    );
    await expect(variables.resolve(dev.id)).rejects.toThrow();
    await expect(variables.retrieve(prod, "OTHER")).rejects.toThrow();
  });

  test("are replaced only where that is asked for: all or none", async () => {
    const { prod } = await scene();
    await variables.upload(prod, [{ name: "A", value: "1", isSecret: true }], false);
    await expect(variables.upload(prod, [plain("B", "2"), plain("A", "3")], false)).rejects.toMatchObject({
      code: "VARIABLE_EXISTS",
      details: { names: ["A"] },
    });
    expect(await variables.resolve(prod.id)).toEqual({ A: "1" });
    await variables.upload(prod, [plain("B", "2"), { name: "A", value: "3" }], true);
    expect(await variables.resolve(prod.id)).toEqual({ A: "3", B: "2" });
    // Nothing was said of the secret, so it stays one.
    expect(await variables.retrieve(prod, "A")).toMatchObject({ isSecret: true });
  });

  test.each([
    ["a digit first", plain("1A", "")],
    ["a dash", plain("A-B", "")],
    ["no name", plain("", "")],
    ["the platform's own", plain("GANTRY_PLATFORM_DATABASE_URL", "")],
    ["the worker's own", plain("GANTRY_WORKER_TOKEN", "")],
    ["a name that is too long", plain("A".repeat(257), "")],
    ["a value over 64 KB", plain("A", "é".repeat(32 * 1024 + 1))],
    ["a NUL", plain("A", "a\0b")],
  ])("refuse %s, and never say the value", async (_title, variable) => {
    const { prod } = await scene();
    const error = await variables.upload(prod, [variable], true).catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject({ code: "VALIDATION_FAILED" });
    if (variable.value !== "") expect(JSON.stringify(error) + String(error)).not.toContain(variable.value);
  });

  test("have 512 KB at most together, also where two upload at once", async () => {
    const { prod } = await scene();
    const many = (letter: string) =>
      Array.from({ length: 5 }, (_, index) => plain(`${letter}${index}`, "x".repeat(60_000)));
    const results = await Promise.allSettled([
      variables.upload(prod, many("A"), false),
      variables.upload(prod, many("B"), false),
    ]);
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(await variables.list(prod)).toHaveLength(5);
  });
});
