import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AMD64_AND_ARM64, imageBuilderConformance } from "../../../test/conformance/image-builder.ts";
import { noRegistry, startRegistry, type TestRegistry } from "../../../test/support/docker-registry.ts";
import { clientOf, layerOf, pushBase, type TarEntry, type TestLayer } from "../../../test/support/image-fixtures.ts";
import type { ImageIndex } from "./appended-image-manifest.ts";
import { OciRegistry } from "./oci-registry.ts";

const LIMITS = { maxBytes: 1e6, maxUnpackedBytes: 3e6, maxEntries: 50 };
const REPOSITORY = "gantry/airports-prod";

const opened: OciRegistry[] = [];
afterAll(async () => void (await Promise.all(opened.map((registry) => registry.close()))));

function open(at: TestRegistry, change: Partial<ConstructorParameters<typeof OciRegistry>[0]> = {}): OciRegistry {
  const registry = new OciRegistry({
    url: at.url,
    credentials: at.credentials,
    backoffMs: 5,
    limits: LIMITS,
    ...change,
  });
  opened.push(registry);
  return registry;
}

describe.skipIf(noRegistry)(
  `Debian's docker-registry${noRegistry === undefined ? "" : `: skipped, ${noRegistry}`}`,
  () => {
    for (const auth of ["none", "basic", "token"] as const) {
      imageBuilderConformance(`oci-registry with ${auth} authentication`, async () => {
        const at = await startRegistry(auth);
        const registry = open(at);
        return { builder: registry, registry, at };
      });
    }

    describe("images", () => {
      let at: TestRegistry;
      let registry: OciRegistry;
      let bundle: TestLayer;
      beforeAll(async () => {
        at = await startRegistry();
        registry = open(at);
        bundle = await layerOf([{ name: "app/bundle/index.mjs", content: "1" }]);
        await registry.storeLayer(REPOSITORY, bundle, Readable.from([bundle.content]));
      });
      const progress = { step: () => undefined, log: () => undefined };
      const build = (baseImage: string, change = {}) =>
        registry.build(
          {
            repository: REPOSITORY,
            layers: [bundle],
            platforms: ["linux/amd64"],
            baseImage,
            instructions: [],
            env: {},
            labels: {},
            ...change,
          },
          progress,
          AbortSignal.timeout(20_000),
        );

      test.each(["oci", "docker"] as const)("a base in the %s format stays in it", async (format) => {
        const baseImage = await pushBase(at, `base/${format}`, { format });
        const { digest } = await build(baseImage);
        const manifest = await clientOf(at).manifest(REPOSITORY, digest);
        expect(manifest?.mediaType).toContain(format);
        expect(JSON.parse(String(manifest?.bytes)).layers[1].mediaType).toContain(format);
      });

      test.each(["oci", "docker"] as const)("several platforms make an index in the %s format", async (format) => {
        const baseImage = await pushBase(at, `multi/${format}`, { format, platforms: AMD64_AND_ARM64 });
        const { digest } = await build(baseImage, { platforms: AMD64_AND_ARM64 });
        expect(await registry.imagePlatforms(REPOSITORY, digest)).toEqual(AMD64_AND_ARM64);
        const index = JSON.parse(String((await clientOf(at).manifest(REPOSITORY, digest))?.bytes)) as ImageIndex;
        const platforms = await Promise.all(
          index.manifests.map((each) => registry.imagePlatforms(REPOSITORY, each.digest)),
        );
        expect(platforms).toEqual([["linux/amd64"], ["linux/arm64"]]);
      });

      test("a layer for one platform is in that platform's image alone", async () => {
        const arm = {
          ...(await layerOf([{ name: "app/node_modules/arm/x" }], "externals")),
          platform: "linux/arm64" as const,
        };
        await registry.storeLayer(REPOSITORY, arm, Readable.from([arm.content]));
        const baseImage = await pushBase(at, "multi/layers", { platforms: AMD64_AND_ARM64 });
        const { digest } = await build(baseImage, { platforms: AMD64_AND_ARM64, layers: [arm, bundle] });
        const index = JSON.parse(String((await clientOf(at).manifest(REPOSITORY, digest))?.bytes)) as ImageIndex;
        const layers = await Promise.all(
          index.manifests.map(async (each) => {
            const { bytes } = (await clientOf(at).manifest(REPOSITORY, each.digest)) ?? {};
            return JSON.parse(String(bytes)).layers.map((layer: { digest: string }) => layer.digest);
          }),
        );
        expect(layers[0]).toEqual([expect.any(String), bundle.digest]);
        expect(layers[1]).toEqual([expect.any(String), arm.digest, bundle.digest]);
      });

      test("a base of another registry is copied there once", async () => {
        const other = await startRegistry("basic");
        const copying = open(at, {
          baseCredentials: { registry: other.host, ...(other.credentials as { username: string; password: string }) },
        });
        const baseImage = await pushBase(other, "vendor/base", { files: [{ name: "etc/other", content: "x" }] });
        const lines: string[] = [];
        const request = {
          repository: REPOSITORY,
          layers: [bundle],
          platforms: ["linux/amd64" as const],
          baseImage,
          instructions: [],
          env: {},
          labels: {},
        };
        const build = (env: Record<string, string>) =>
          copying.build(
            { ...request, env },
            { step: () => undefined, log: (line) => void lines.push(line) },
            AbortSignal.timeout(20_000),
          );
        const { digest } = await build({});
        expect(await registry.imagePlatforms(REPOSITORY, digest)).toEqual(["linux/amd64"]);
        expect(lines).toEqual([expect.stringContaining("Copying sha256:")]);
        await build({ ANOTHER: "1" });
        expect(lines).toHaveLength(1);
      });

      test("a registry that a deploy names does not get the base registry's password", async () => {
        const other = await startRegistry("basic");
        const copying = open(at, { baseCredentials: { registry: "registry.example", username: "u", password: "p" } });
        const request = {
          repository: REPOSITORY,
          layers: [bundle],
          platforms: ["linux/amd64" as const],
          baseImage: `${other.host}/a/b:1`,
          instructions: [],
          env: {},
          labels: {},
        };
        await expect(copying.build(request, progress, AbortSignal.timeout(20_000))).rejects.toMatchObject({
          code: "REGISTRY_DENIED",
          message: expect.stringContaining("pull from a/b"),
        });
      });

      test("instructions are for the docker builder", async () => {
        await expect(build("localhost:1/x:1", { instructions: ["RUN true"] })).rejects.toMatchObject({
          code: "NO_IMAGE_BUILDER",
        });
      });

      test("a layer that holds another tar than the build says is refused", async () => {
        const baseImage = await pushBase(at, "base/diff");
        const lied = { ...bundle, diffId: `sha256:${"0".repeat(64)}` };
        await expect(build(baseImage, { layers: [lied] })).rejects.toMatchObject({ code: "LAYER_INVALID" });
      });

      const BAD: Record<string, { entries: TarEntry[]; want: string }> = {
        "a symbolic link": {
          entries: [{ name: "app/bundle/l", type: "symlink", linkname: "/etc/passwd" }],
          want: "symlink",
        },
        "a hard link": { entries: [{ name: "app/bundle/l", type: "link", linkname: "app/bundle/x" }], want: "link" },
        "a device": { entries: [{ name: "app/bundle/d", type: "character-device" }], want: "device" },
        "an absolute path": { entries: [{ name: "/app/bundle/x" }], want: "absolute" },
        "a path that climbs": { entries: [{ name: "app/bundle/../../etc/x" }], want: "plain path" },
        "a path elsewhere": { entries: [{ name: "gantry/runner.js" }], want: "not below" },
        "a neighbour whose name begins alike": { entries: [{ name: "app/bundle2/x" }], want: "not below" },
        "a whiteout": { entries: [{ name: "app/bundle/.wh.index.mjs" }], want: "removes" },
        "a file in the place of a folder": { entries: [{ name: "app/bundle" }], want: "not below" },
        "a file that runs as its owner": { entries: [{ name: "app/bundle/x", mode: 0o4755 }], want: "another user" },
        nothing: { entries: [], want: "no entry" },
      };
      test.each(Object.entries(BAD))(
        "a layer with %s is refused and nothing stays",
        async (_sentence, { entries, want }) => {
          const bad = await layerOf(entries);
          await expect(registry.storeLayer(REPOSITORY, bad, Readable.from([bad.content]))).rejects.toMatchObject({
            code: "LAYER_INVALID",
            message: expect.stringContaining(want),
          });
          expect(await registry.missingLayers(REPOSITORY, [bad.digest])).toEqual([bad.digest]);
        },
      );

      const good = () =>
        layerOf([
          { name: "app/", type: "directory" },
          { name: "app/bundle/", type: "directory" },
          { name: "./app/bundle/ok.mjs", content: "ok" },
        ]);
      const WRONG: Record<string, { change: (layer: TestLayer) => Promise<TestLayer> | TestLayer; want: object }> = {
        "another digest": {
          change: (layer) => ({ ...layer, digest: `sha256:${"1".repeat(64)}` }),
          want: { code: "LAYER_INVALID", message: expect.stringContaining("by its content") },
        },
        "more bytes than it said": {
          change: (layer) => ({ ...layer, bytes: layer.bytes - 1 }),
          want: { code: "LAYER_INVALID" },
        },
        "no gzip inside": {
          change: (layer) => ({ ...layer, content: Buffer.from("x".repeat(layer.bytes)) }),
          want: { code: "LAYER_INVALID", message: expect.stringContaining("cannot be read") },
        },
        "more than the size that is allowed": {
          change: (layer) => ({ ...layer, bytes: LIMITS.maxBytes + 1 }),
          want: { code: "LAYER_TOO_LARGE" },
        },
        "a bomb inside": {
          change: () => layerOf([{ name: "app/bundle/zeros", content: Buffer.alloc(LIMITS.maxUnpackedBytes + 1) }]),
          want: { code: "LAYER_TOO_LARGE", message: expect.stringContaining("unpacked") },
        },
        "too many entries": {
          change: () => layerOf(Array.from({ length: LIMITS.maxEntries + 1 }, (_, n) => ({ name: `app/bundle/${n}` }))),
          want: { code: "LAYER_TOO_LARGE", message: expect.stringContaining("entries") },
        },
      };
      test.each(Object.entries(WRONG))(
        "a layer with %s is refused and nothing stays",
        async (_sentence, { change, want }) => {
          const bad = await change(await good());
          await expect(registry.storeLayer(REPOSITORY, bad, Readable.from([bad.content]))).rejects.toMatchObject(want);
          expect(await registry.missingLayers(REPOSITORY, [bad.digest])).toEqual([bad.digest]);
        },
      );

      test("an upload that breaks off leaves nothing", async () => {
        const layer = await good();
        const cut = new Readable({
          read() {
            this.push(layer.content.subarray(0, 10));
            this.destroy();
          },
        });
        await expect(registry.storeLayer(REPOSITORY, layer, cut)).rejects.toMatchObject({
          message: expect.stringContaining("cut off"),
        });
        expect(await registry.missingLayers(REPOSITORY, [layer.digest])).toEqual([layer.digest]);
      });

      test("a large layer passes through without being kept", async () => {
        const big = open(at, { limits: { maxBytes: 1e9, maxUnpackedBytes: 1e9, maxEntries: 10 } });
        const layer = await layerOf([{ name: "app/bundle/random", content: randomBytes(30e6) }]);
        await big.storeLayer(REPOSITORY, layer, Readable.from(chunks(layer.content)));
        expect(await registry.missingLayers(REPOSITORY, [layer.digest, `sha256:${"2".repeat(64)}`])).toEqual([
          `sha256:${"2".repeat(64)}`,
        ]);
      });
    });

    test("a user who may not push is told which repository and which action", async () => {
      const at = await startRegistry("token");
      const layer = await layerOf([{ name: "app/bundle/x" }]);
      const denied = open(at).storeLayer("forbidden/repository", layer, Readable.from([layer.content]));
      await expect(denied).rejects.toMatchObject({
        code: "REGISTRY_DENIED",
        message: expect.stringContaining("push to forbidden/repository"),
      });
    });

    test("a wrong password is denied", async () => {
      const at = await startRegistry("basic");
      const wrong = open(at, { credentials: { username: "deployer", password: "wrong" } });
      await expect(wrong.missingLayers(REPOSITORY, [`sha256:${"0".repeat(64)}`])).rejects.toMatchObject({
        code: "REGISTRY_DENIED",
        details: { repository: REPOSITORY, action: "pull" },
      });
    });

    test("a token that pushes to one repository is given where the registry has a token server", async () => {
      const at = await startRegistry("token");
      const token = await open(at).pushToken(REPOSITORY);
      const claims = JSON.parse(Buffer.from(String(token?.split(".")[1]), "base64url").toString());
      expect(claims.access).toEqual([{ type: "repository", name: REPOSITORY, actions: ["pull", "push"] }]);
      expect(await open(await startRegistry("none")).pushToken(REPOSITORY)).toBeUndefined();
      expect(await open(await startRegistry("basic")).pushToken(REPOSITORY)).toBeUndefined();
    });
  },
);

describe("a registry that behaves badly", () => {
  const seen: IncomingMessage[] = [];
  let reply: (
    req: IncomingMessage,
    count: number,
  ) => { status: number; headers?: Record<string, string>; body?: string };
  const server = createServer((req, res) => {
    seen.push(req);
    const { status, headers = {}, body = "" } = reply(req, seen.length);
    res.writeHead(status, headers).end(body);
  });
  const elsewhere: IncomingMessage[] = [];
  const other = createServer((req, res) => {
    elsewhere.push(req);
    res.writeHead(200, { "content-length": "5" }).end(req.method === "HEAD" ? undefined : "12345");
  });
  const portOf = (each: typeof server) => (each.address() as AddressInfo).port;
  beforeAll(async () => {
    for (const each of [server, other]) await new Promise<void>((resolve) => each.listen(0, "127.0.0.1", resolve));
  });
  afterAll(() => {
    server.close();
    other.close();
  });
  const digest = `sha256:${"0".repeat(64)}`;
  const registry = (change = {}) => {
    seen.length = 0;
    return open({ url: `http://127.0.0.1:${portOf(server)}`, host: "", credentials: undefined }, change);
  };

  test.each([429, 500, 503])("%i is tried again", async (status) => {
    reply = (_req, count) => ({ status: count < 3 ? status : 404 });
    expect(await registry().missingLayers(REPOSITORY, [digest])).toEqual([digest]);
    expect(seen).toHaveLength(3);
  });

  test("one that stays broken is unavailable", async () => {
    reply = () => ({ status: 503 });
    await expect(registry().missingLayers(REPOSITORY, [digest])).rejects.toMatchObject({
      code: "REGISTRY_UNAVAILABLE",
    });
    expect(seen).toHaveLength(4);
  });

  test("one that does not answer is unavailable", async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const asked = open(
      { url: `http://127.0.0.1:${portOf(silent)}`, host: "", credentials: undefined },
      { timeoutMs: 50 },
    );
    await expect(asked.missingLayers(REPOSITORY, [digest])).rejects.toMatchObject({ code: "REGISTRY_UNAVAILABLE" });
    silent.closeAllConnections();
    silent.close();
  });

  test("a redirect to another host is followed without credentials", async () => {
    reply = (req) => {
      if (req.headers.authorization === undefined)
        return { status: 401, headers: { "www-authenticate": "Basic realm=x" } };
      return { status: 307, headers: { location: `http://localhost:${portOf(other)}/blob` } };
    };
    const asked = registry({ credentials: { username: "u", password: "p" } });
    expect(await asked.missingLayers(REPOSITORY, [digest])).toEqual([]);
    expect(seen.at(-1)?.headers.authorization).toMatch(/^Basic /);
    expect(elsewhere.map((req) => req.headers.authorization)).toEqual([undefined]);
  });

  test("a base image's registry is not followed to a service of our own network", async () => {
    elsewhere.length = 0;
    reply = () => ({ status: 307, headers: { location: `http://localhost:${portOf(other)}/latest/meta-data` } });
    const ours = open({ url: `http://127.0.0.1:${portOf(other)}`, host: "", credentials: undefined });
    const request = {
      repository: REPOSITORY,
      layers: [],
      platforms: ["linux/amd64" as const],
      baseImage: `127.0.0.1:${portOf(server)}/some/image:1`,
      instructions: [],
      env: {},
      labels: {},
    };
    const built = ours.build(request, { step: () => undefined, log: () => undefined }, AbortSignal.timeout(5_000));
    await expect(built).rejects.toMatchObject({
      code: "REGISTRY_DENIED",
      message: expect.stringContaining("leads to"),
    });
    expect(elsewhere).toEqual([]);
  });

  test("tokens are not fetched in plain text from another host", async () => {
    reply = () => ({ status: 401, headers: { "www-authenticate": `Bearer realm="http://169.254.169.254/latest"` } });
    await expect(registry().missingLayers(REPOSITORY, [digest])).rejects.toMatchObject({
      code: "REGISTRY_DENIED",
      message: expect.stringContaining("plain text"),
    });
  });

  test("a manifest that is another than was asked for is refused", async () => {
    reply = () => ({ status: 200, body: "{}", headers: { "content-type": "application/json" } });
    await expect(registry().imagePlatforms(REPOSITORY, digest)).rejects.toMatchObject({ code: "REGISTRY_UNAVAILABLE" });
  });
});

function* chunks(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}
