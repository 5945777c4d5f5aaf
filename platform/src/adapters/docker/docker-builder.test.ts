import { Readable } from "node:stream";
import Docker from "dockerode";
import { afterAll, describe, expect, test } from "vitest";
import { imageBuilderConformance } from "../../../test/conformance/image-builder.ts";
import { noRegistry, startRegistry } from "../../../test/support/docker-registry.ts";
import { layerOf, pushBase } from "../../../test/support/image-fixtures.ts";
import { OciRegistry } from "../oci-registry/oci-registry.ts";
import { DockerBuilder } from "./docker-builder.ts";

const SOCKET = "unix:///var/run/docker.sock";
const LIMITS = { maxBytes: 1e6, maxUnpackedBytes: 3e6, maxEntries: 50 };
const docker = new Docker({ socketPath: "/var/run/docker.sock" });
const noEngine = await docker.ping().then(
  () => undefined,
  () => "no Docker Engine at /var/run/docker.sock",
);
const why = noRegistry ?? noEngine;

const ends: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const end of ends) await end();
});

async function builderFor(auth: "none" | "basic") {
  const at = await startRegistry(auth);
  const registry = new OciRegistry({ url: at.url, credentials: at.credentials, limits: LIMITS });
  const builder = new DockerBuilder({
    host: SOCKET,
    tls: undefined,
    registry,
    registryHost: at.host,
    credentials: at.credentials,
    otherCredentials: [],
  });
  ends.push(async () => {
    await registry.close();
    await forget(at.host);
  });
  return { builder, registry, at };
}

/** What the tests left in the Engine. */
async function forget(host: string): Promise<void> {
  for (const { RepoTags } of await docker.listImages())
    for (const tag of RepoTags ?? [])
      if (tag.startsWith(`${host}/`)) await docker.getImage(tag).remove({ force: true });
}

describe.skipIf(why)(`a Docker Engine${why === undefined ? "" : `: skipped, ${why}`}`, () => {
  for (const auth of ["none", "basic"] as const)
    imageBuilderConformance(`docker with ${auth} authentication`, () => builderFor(auth));

  const request = {
    repository: "gantry/airports-prod",
    platforms: ["linux/amd64" as const],
    env: {},
    labels: {},
  };

  test("an instruction that fails fails the build with its log, and nothing is pushed", async () => {
    const { builder, registry, at } = await builderFor("none");
    const baseImage = await pushBase(at, "gantry/worker");
    const layer = await layerOf([{ name: "app/bundle/x" }]);
    await registry.storeLayer(request.repository, layer, Readable.from([layer.content]));
    const lines: string[] = [];
    const progress = { step: () => undefined, log: (line: string) => void lines.push(line) };
    const built = builder.build(
      { ...request, layers: [layer], baseImage, instructions: ["RUN apt-get update"] },
      progress,
      AbortSignal.timeout(30_000),
    );
    await expect(built).rejects.toMatchObject({ code: "BUILD_FAILED" });
    expect(lines.join("\n")).toContain("RUN apt-get update");
  });

  test("images for several platforms are refused", async () => {
    const { builder } = await builderFor("none");
    const several = { ...request, platforms: ["linux/amd64" as const, "linux/arm64" as const] };
    const progress = { step: () => undefined, log: () => undefined };
    await expect(
      builder.build({ ...several, layers: [], baseImage: "x", instructions: [] }, progress, AbortSignal.timeout(5_000)),
    ).rejects.toMatchObject({ code: "NO_IMAGE_BUILDER" });
  });
});

test("an Engine that is away is said by its address", async () => {
  const builder = new DockerBuilder({
    host: "tcp://127.0.0.1:1",
    tls: undefined,
    registryHost: "localhost:1",
    credentials: undefined,
    registry: { missingLayers: async () => [] } as never,
    otherCredentials: [],
  });
  const request = { repository: "a/b", layers: [], platforms: ["linux/amd64" as const], baseImage: "localhost:1/x:1" };
  const progress = { step: () => undefined, log: () => undefined };
  await expect(
    builder.build({ ...request, instructions: [], env: {}, labels: {} }, progress, AbortSignal.timeout(5_000)),
  ).rejects.toMatchObject({ code: "BUILD_FAILED", message: expect.stringContaining("tcp://127.0.0.1:1") });
});
