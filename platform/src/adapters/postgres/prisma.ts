import { PrismaPg } from "@prisma/adapter-pg";
import type pg from "pg";
import { SCHEMA } from "./pool.ts";
import { PrismaClient } from "./prisma-client/client.ts";

export type { PrismaClient } from "./prisma-client/client.ts";

/** Prisma's client over the platform's own pool: for projects, keys and what else is not on the hot path. */
export function createPrisma(pool: pg.Pool): PrismaClient {
  return new PrismaClient({ adapter: new PrismaPg(pool, { schema: SCHEMA }) });
}
