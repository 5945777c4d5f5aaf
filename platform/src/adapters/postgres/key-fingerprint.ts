import type { MasterKey } from "../../secrets/master-key.ts";
import type { PrismaClient } from "./prisma.ts";

/**
 * Binds the database to its encryption key at the first start, and refuses another key at every later one: with it no
 * secret could be read, and new ones would be lost to the right key.
 */
export async function bindMasterKey(prisma: PrismaClient, master: MasterKey): Promise<void> {
  const { fingerprint } = master;
  await prisma.clusterState.updateMany({
    where: { id: 1, keyFingerprint: null },
    data: { keyFingerprint: fingerprint },
  });
  const { keyFingerprint } = await prisma.clusterState.findUniqueOrThrow({ where: { id: 1 } });
  if (keyFingerprint === fingerprint) return;
  throw new Error(
    `The database's secrets are encrypted with another key (${keyFingerprint}) than the one given (${fingerprint}): ` +
      "set GANTRY_PLATFORM_ENCRYPTION_KEY to the key it was made with.",
  );
}
