import { NotFoundError } from "../../client/api-error.ts";
import type { DeployClient } from "../../client/deploy-client.ts";
import type { DeployTarget } from "../../contract/api/index.ts";
import type { ImagePlatform } from "../../contract/image-layout.ts";
import { CliError } from "../cli-error.ts";

/** What the platform says of deploys to the environment. Errors: PLATFORM_TOO_OLD, NO_IMAGE_BUILDER, what the API gives. */
export async function askTarget(client: DeployClient, apiUrl: string, local: boolean): Promise<DeployTarget> {
  const target = await client.target().catch((error: unknown) => {
    // An older platform takes "target" for the name of a version.
    if (!(error instanceof NotFoundError)) throw error;
    throw new CliError("PLATFORM_TOO_OLD", `The platform at ${apiUrl} knows no deploys of images.`, {
      remedy: "Upgrade it (helm upgrade), or check that GANTRY_API_URL is the address of a Gantry platform.",
      cause: error,
    });
  });
  if (target.builders.length > 0 || local) return target;
  const why =
    target.executor === "process"
      ? "it runs tasks as processes of its own machine, from bundles that `gantry dev` makes"
      : "it has no image registry";
  throw new CliError("NO_IMAGE_BUILDER", `The platform at ${apiUrl} takes no deploys: ${why}.`, {
    remedy: "Deploy to a platform with a registry: the chart brings one, or set GANTRY_PLATFORM_REGISTRY_PUSH_URL.",
  });
}

export type BuilderName = DeployTarget["builders"][number];

/**
 * The builder to ask for; undefined for the platform's default. Dockerfile lines need Docker.
 * Errors: BUILDER_UNKNOWN, BUILDER_NEEDS_DOCKER.
 */
export function chooseBuilder(
  target: DeployTarget,
  wanted: string | undefined,
  instructions: readonly string[],
): BuilderName | undefined {
  if (wanted !== undefined && !target.builders.includes(wanted as BuilderName)) {
    throw new CliError("BUILDER_UNKNOWN", `The platform has no builder "${wanted}".`, {
      remedy: `It has ${target.builders.join(", ") || "none"}; leave out --builder to take the first.`,
    });
  }
  const needsDocker = instructions.length > 0;
  const chosen = (wanted ?? (needsDocker ? "docker" : undefined)) as BuilderName | undefined;
  if (!needsDocker || (chosen === "docker" && target.builders.includes("docker"))) return chosen;
  throw new CliError("BUILDER_NEEDS_DOCKER", "A build extension runs commands in the image, and that takes Docker.", {
    remedy:
      "Deploy with --local-build on a machine with Docker, have the operator set builder.docker.host, or build an image " +
      "with these packages once and name it as build.baseImage.",
  });
}

/** The configuration's platforms, which the target must offer, else all of the target's. Error: PLATFORM_NOT_OFFERED. */
export function choosePlatforms(target: DeployTarget, wanted: ImagePlatform[] | undefined): ImagePlatform[] {
  const missing = wanted?.find((platform) => !target.platforms.includes(platform));
  if (missing === undefined) return wanted ?? target.platforms;
  throw new CliError("PLATFORM_NOT_OFFERED", `The platform's worker image is not made for ${missing}.`, {
    remedy: `Set build.platforms to some of ${target.platforms.join(", ")}, or leave it out.`,
  });
}
