import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DockerBuilder } from "./adapters/docker/docker-builder.ts";
import { OciRegistry } from "./adapters/oci-registry/oci-registry.ts";
import type { Config } from "./config.ts";
import type { ImageServices } from "./deployments/deploys.ts";
import type { ImageBuilder } from "./deployments/image-builder.ts";
import { parseImageReference } from "./deployments/image-reference-ref.ts";

/** Of everything in a layer; a node has to unpack it. */
const MAX_UNPACKED_FACTOR = 8;
const MAX_LAYER_ENTRIES = 500_000;

/** The registry and the builders that the settings name; undefined where there is no registry. */
export async function imageServices(
  config: Config,
  workerImage: string,
  stops: (() => Promise<unknown>)[],
): Promise<ImageServices | undefined> {
  if (config.registryPushUrl === undefined) return undefined;
  const credentials = registryCredentials(config);
  const aliases = [config.registryPullUrl, config.registryPublicUrl].flatMap((url) =>
    url === undefined ? [] : [hostOf(url)],
  );
  const registry = new OciRegistry({
    url: config.registryPushUrl,
    credentials,
    aliases,
    baseCredentials: baseCredentials(config, workerImage),
    limits: {
      maxBytes: config.maxLayerBytes,
      maxUnpackedBytes: config.maxLayerBytes * MAX_UNPACKED_FACTOR,
      maxEntries: MAX_LAYER_ENTRIES,
    },
  });
  stops.push(() => registry.close());
  const docker = await dockerBuilder(config, registry, workerImage);
  const builders: ImageBuilder[] = docker === undefined ? [registry] : [registry, docker];
  return {
    registry,
    layers: registry,
    builders: config.builder === "docker" ? builders.reverse() : builders,
    repositoryPrefix: config.registryRepositoryPrefix,
    publicRegistry: config.registryPublicUrl === undefined ? undefined : hostOf(config.registryPublicUrl),
    maxLayerBytes: config.maxLayerBytes,
    keepVersions: config.deploymentsKeep,
  };
}

async function dockerBuilder(config: Config, registry: OciRegistry, workerImage: string) {
  if (config.builderDockerHost === undefined) return undefined;
  const dir = config.builderDockerCertDir;
  const [ca, cert, key] =
    dir === undefined
      ? []
      : await Promise.all(["ca.pem", "cert.pem", "key.pem"].map((name) => readFile(join(dir, name))));
  const base = baseCredentials(config, workerImage);
  return new DockerBuilder({
    host: config.builderDockerHost,
    tls: ca === undefined || cert === undefined || key === undefined ? undefined : { ca, cert, key },
    registry,
    registryHost: new URL(config.registryPushUrl ?? "").host,
    credentials: registryCredentials(config),
    otherCredentials: base === undefined ? [] : [base],
  });
}

function registryCredentials({ registryUsername, registryPassword, registryToken }: Config) {
  if (registryToken !== undefined) return { token: registryToken };
  if (registryUsername === undefined || registryPassword === undefined) return undefined;
  return { username: registryUsername, password: registryPassword };
}

/** For the worker image's registry alone: a deploy may name a base image anywhere. */
function baseCredentials({ baseRegistryUsername, baseRegistryPassword }: Config, workerImage: string) {
  const parsed = parseImageReference(workerImage);
  if (parsed === undefined || baseRegistryUsername === undefined || baseRegistryPassword === undefined)
    return undefined;
  return { registry: parsed.registry, username: baseRegistryUsername, password: baseRegistryPassword };
}

/** `localhost:5000` of itself and of `http://localhost:5000`. */
function hostOf(url: string): string {
  return url.replace(/^[a-z]+:\/\//, "").replace(/\/.*$/, "");
}
