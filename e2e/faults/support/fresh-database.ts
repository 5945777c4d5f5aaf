import { randomBytes } from "node:crypto";
import { Client } from "pg";
import { inject, onTestFinished } from "vitest";
import type {} from "../../../platform/test/support/global-setup.ts";

/** A migrated database of the test run's server; gone at the end, by default the test's. */
export async function freshDatabase(
  onEnd: (end: () => void | Promise<void>) => void = onTestFinished,
): Promise<string> {
  const name = `fault_${randomBytes(8).toString("hex")}`;
  const asOwner = async (statement: string) => {
    const owner = new Client({ connectionString: inject("postgresUrl") });
    await owner.connect();
    await owner.query(statement).finally(() => owner.end());
  };
  await asOwner(`create database ${name} template ${inject("postgresTemplate")}`);
  onEnd(() => asOwner(`drop database ${name} with (force)`));
  return inject("postgresUrl").replace(/\/[^/]*$/, `/${name}`);
}
