import type { MasterKey } from "../../secrets/master-key.ts";
import type { PrismaClient } from "./prisma.ts";

/**
 * Binds the database to its encryption key at the first start, and refuses another key at every later one: with it no
 * secret could be read, and new ones would be lost to the right key. The key before is accepted where it is given as a
 * previous one: the database is bound to the new key once everything is sealed with it (`gantry-platform rotate-key`).
 */
export async function bindMasterKey(prisma: PrismaClient, master: MasterKey): Promise<void> {
  const { fingerprint } = master;
  await prisma.clusterState.updateMany({
    where: { id: 1, keyFingerprint: null },
    data: { keyFingerprint: fingerprint },
  });
  const { keyFingerprint } = await prisma.clusterState.findUniqueOrThrow({ where: { id: 1 } });
  if (master.all.some((key) => key.fingerprint === keyFingerprint)) return;
  throw new Error(
    `The database's secrets are encrypted with another key (${keyFingerprint}) than the one given (${fingerprint}): ` +
      "set GANTRY_PLATFORM_ENCRYPTION_KEY to the key it was made with, or, to rotate it, name that key in " +
      "GANTRY_PLATFORM_PREVIOUS_ENCRYPTION_KEYS.",
  );
}
