import { createHash } from "node:crypto";
import { cpSync, linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { dockerfile } from "../../contract/dockerfile.ts";
import type { ImagePlatform } from "../../contract/image-layout.ts";
import { CliError } from "../cli-error.ts";
import { type DockerCli, dockerCli } from "./docker-cli.ts";
import type { LocalBuild, LocalBuildRequest } from "./local-build-request.ts";

/**
 * Builds a version's image with this machine's Docker and pushes it with credentials that are good for the environment's
 * repository alone: they lie in a folder of their own for as long as it takes, and the user's logins stay as they are.
 * Errors: DOCKER_MISSING, DOCKER_NOT_RUNNING, DOCKER_FAILED, DIGEST_UNKNOWN.
 */
export const localBuild: LocalBuild = async (request) => {
  const folder = mkdtempSync(join(tmpdir(), "gantry-build-"));
  try {
    const docker = dockerCli(request.cliEnv, request.log, request.signal);
    // Says that there is no engine before anything is prepared for it.
    await docker.run(["version", "--format", "{{.Server.Version}}"], { isQuiet: true });
    const pusher = await pusherOf(docker, request, folder);
    const build = await buildCommand(docker);
    await pusher.pullBase();
    const name = `${request.access.registry}/${request.access.repository}`;
    const tag = `build-${nameOf(request)}`;
    const digests: string[] = [];
    for (const platform of request.platforms) {
      const image = `${name}:${tag}${request.platforms.length > 1 ? `-${architecture(platform)}` : ""}`;
      const context = writeContext(request, platform, join(folder, architecture(platform)));
      await docker.run([...build, "--platform", platform, "--tag", image, context]);
      digests.push(await pusher.push(image));
    }
    const digest = digests.length === 1 ? digests[0] : await pusher.pushIndex(`${name}:${tag}`, name, digests);
    return { digest: digest as string };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** BuildKit where it is installed; an attestation beside the image would make its digest an index's. */
async function buildCommand(docker: DockerCli): Promise<string[]> {
  const hasBuildx = await docker.run(["buildx", "version"], { isQuiet: true }).then(
    () => true,
    () => false,
  );
  return hasBuildx ? ["buildx", "build", "--load", "--provenance=false"] : ["build"];
}

/** The folder that Docker is given: the layers of the platform and a Dockerfile. Returns it. */
export function writeContext(
  { layers, baseImage, instructions, env, labels }: LocalBuildRequest,
  platform: ImagePlatform,
  folder: string,
): string {
  mkdirSync(folder, { recursive: true });
  const own = layers.filter((layer) => layer.platform === undefined || layer.platform === platform);
  const layerFiles = own.map(({ file }, index) => {
    const name = `${index}-${basename(file)}`;
    put(file, join(folder, name));
    return name;
  });
  writeFileSync(join(folder, "Dockerfile"), dockerfile({ baseImage, instructions, layerFiles, env, labels }));
  return folder;
}

function put(file: string, target: string): void {
  try {
    linkSync(file, target);
  } catch {
    // Another file system.
    cpSync(file, target);
  }
}

function architecture(platform: ImagePlatform): string {
  return platform.split("/")[1] ?? platform;
}

/** The same version has the same tag, so that a second build replaces nothing but itself. */
function nameOf({ layers, baseImage, instructions, platforms }: LocalBuildRequest): string {
  const parts = [baseImage, instructions, platforms, layers.map(({ digest }) => digest)];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}

interface Pusher {
  /** Where the base image is in the same registry, the user's own logins may not reach it. */
  pullBase(): Promise<void>;
  push(image: string): Promise<string>;
  pushIndex(image: string, name: string, digests: string[]): Promise<string>;
}

async function pusherOf(docker: DockerCli, request: LocalBuildRequest, folder: string): Promise<Pusher> {
  const { access, baseImage, platforms } = request;
  const config = join(folder, "docker-config");
  mkdirSync(config, { mode: 0o700 });
  writeFileSync(join(config, "config.json"), JSON.stringify({ auths: authsOf(access) }), { mode: 0o600 });
  // A Docker context is part of the user's configuration, which that folder takes the place of.
  const host = request.cliEnv.DOCKER_HOST || (await engineOf(docker));
  // Without credentials of the platform's, the user's own logins push.
  const login = Object.keys(authsOf(access)).length === 0 ? [] : ["--config", config];
  const asPusher = (args: string[]) => docker.run([...login, ...args], { env: { DOCKER_HOST: host } });
  return {
    pullBase: async () => {
      if (!baseImage.startsWith(`${access.registry}/`) || platforms.length > 1) return;
      await asPusher(["pull", "--platform", platforms[0] as string, baseImage]);
    },
    push: async (image) => digestIn(await asPusher(["push", image])),
    pushIndex: async (image, name, digests) => {
      const isInsecure = /^(localhost|127\.|\[::1\])/.test(access.registry) ? ["--insecure"] : [];
      const parts = digests.map((digest) => `${name}@${digest}`);
      await asPusher(["manifest", "create", ...isInsecure, "--amend", image, ...parts]);
      return digestIn(await asPusher(["manifest", "push", ...isInsecure, "--purge", image]));
    },
  };
}

function authsOf({ registry, username, password, token }: LocalBuildRequest["access"]): object {
  if (token !== undefined) return { [registry]: { registrytoken: token } };
  if (username === undefined || password === undefined) return {};
  return { [registry]: { auth: Buffer.from(`${username}:${password}`).toString("base64") } };
}

async function engineOf(docker: DockerCli): Promise<string> {
  const said = await docker.run(["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"], { isQuiet: true });
  return said.trim();
}

/** `docker push` ends with `<tag>: digest: sha256:… size: 1234`, `docker manifest push` with the digest alone. */
export function digestIn(said: string): string {
  const digest = [...said.matchAll(/sha256:[a-f0-9]{64}/g)].at(-1)?.[0];
  if (digest !== undefined) return digest;
  throw new CliError("DIGEST_UNKNOWN", `docker push did not say what it pushed:\n${said}`, {
    remedy: "Upgrade Docker to 20.10 or newer.",
  });
}
