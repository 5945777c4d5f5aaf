import type { EnvironmentRef } from "../projects/principal.ts";
import type { DeploymentService, PrunableImage } from "./deployment-service.ts";
import type { ImageRegistry } from "./image-builder.ts";

interface PruneDeps {
  deployments: Pick<DeploymentService, "claimPrunableImages" | "restoreImages">;
  registry: ImageRegistry;
  keepVersions: number;
}

/**
 * Removes images that nobody needs. They are marked as gone first: a version cannot become current between the mark and
 * the removal. What the registry keeps after all is marked as there again.
 */
export async function pruneImages(deps: PruneDeps, environment: EnvironmentRef): Promise<string[]> {
  const { deployments, registry, keepVersions } = deps;
  const claimed = await deployments.claimPrunableImages(environment, keepVersions);
  const removed: string[] = [];
  const errors: unknown[] = [];
  for (const images of Map.groupBy(claimed, ({ digest }) => digest).values()) {
    const versions = images.map(({ version }) => version);
    const isGone = await remove(registry, images[0] as PrunableImage).catch((error: unknown) => {
      errors.push(error);
      return false;
    });
    if (isGone) removed.push(...versions);
    else await deployments.restoreImages(environment, versions);
  }
  if (errors.length > 0) throw errors[0];
  return removed;
}

async function remove(registry: ImageRegistry, { repository, digest }: PrunableImage): Promise<boolean> {
  if (await registry.deleteImage(repository, digest)) return true;
  return (await registry.imagePlatforms(repository, digest)) === undefined;
}
