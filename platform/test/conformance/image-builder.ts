import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import type { ImagePlatform } from "@gantry/sdk/contract";
import { beforeAll, describe, expect, test } from "vitest";
import type { ImageConfig, ImageManifest } from "../../src/adapters/oci-registry/appended-image-manifest.ts";
import type { RegistryClient } from "../../src/adapters/oci-registry/registry-client.ts";
import type { ImageBuilder, ImageRegistry, ImageRequest, LayerStore } from "../../src/deployments/image-builder.ts";
import type { TestRegistry } from "../support/docker-registry.ts";
import { clientOf, layerOf, pushBase, type TestLayer } from "../support/image-fixtures.ts";

export interface BuilderUnderTest {
  builder: ImageBuilder;
  /** Where its layers are stored and its images end up. */
  registry: LayerStore & ImageRegistry;
  at: TestRegistry;
}

/** A name for each conformance run, so that one registry may serve several. */
const REPOSITORY = "gantry/airports-prod";

/** What every ImageBuilder does. Each has a registry of its own. */
export function imageBuilderConformance(name: string, start: () => Promise<BuilderUnderTest>): void {
  describe(`${name} as an image builder`, () => {
    let under: BuilderUnderTest;
    let client: RegistryClient;
    let base: string;
    let bundle: TestLayer;
    let externals: TestLayer;
    const steps: string[] = [];

    beforeAll(async () => {
      under = await start();
      client = clientOf(under.at);
      base = await pushBase(under.at, "gantry/worker");
      bundle = await layerOf([{ name: "app/bundle/index.mjs", content: "console.log(1)" }]);
      externals = await layerOf([{ name: "app/node_modules/sharp/index.js", content: "{}" }], "externals");
      for (const layer of [bundle, externals])
        await under.registry.storeLayer(REPOSITORY, layer, Readable.from([layer.content]));
    });

    const request = (change: Partial<ImageRequest> = {}): ImageRequest => ({
      repository: REPOSITORY,
      layers: [externals, bundle],
      platforms: ["linux/amd64"],
      baseImage: base,
      instructions: [],
      env: { GANTRY_BUNDLE_ENTRY: "index.mjs", KEPT: "2" },
      labels: { "gantry.dev/project": "airports" },
      ...change,
    });
    const progress = { step: (step: string) => void steps.push(step), log: () => undefined };
    const build = (change?: Partial<ImageRequest>) =>
      under.builder.build(request(change), progress, AbortSignal.timeout(60_000));

    async function imageOf(digest: string): Promise<{ manifest: ImageManifest; config: ImageConfig }> {
      const manifest = JSON.parse(String((await client.manifest(REPOSITORY, digest))?.bytes)) as ImageManifest;
      const config = await client.smallBlob(REPOSITORY, manifest.config.digest);
      return { manifest, config: JSON.parse(String(config)) as ImageConfig };
    }

    test("the registry has the image afterwards, for the platform that was asked for", async () => {
      const { digest } = await build();
      expect(digest).toMatch(/^sha256:[a-f0-9]{64}$/);
      expect(await under.registry.imagePlatforms(REPOSITORY, digest)).toEqual(["linux/amd64"]);
      expect(steps).toEqual(expect.arrayContaining(["base", "build", "push"]));
    });

    test("the layers lie above the base's, in their order", async () => {
      const { config, manifest } = await imageOf((await build()).digest);
      expect(config.rootfs.diff_ids).toHaveLength(3);
      const holds = await Promise.all(
        manifest.layers.slice(1).map(async ({ digest }) => {
          const layer = await client.blob(REPOSITORY, digest);
          return gunzipSync(await buffer(layer as Readable)).toString("latin1");
        }),
      );
      expect(holds).toEqual([expect.stringContaining("sharp/index.js"), expect.stringContaining("bundle/index.mjs")]);
    });

    test("the image has the base's environment and labels, and ours win", async () => {
      const { config } = await imageOf((await build()).digest);
      expect(config.config?.Env).toEqual(
        expect.arrayContaining(["PATH=/bin", "KEPT=2", "GANTRY_BUNDLE_ENTRY=index.mjs"]),
      );
      expect(config.config?.Env).not.toContain("KEPT=1");
      expect(config.config?.Labels).toMatchObject({ base: "yes", "gantry.dev/project": "airports" });
      expect(config.config?.User).toBe("1000");
    });

    test("the same request makes the same digest", async () => {
      expect((await build()).digest).toBe((await build()).digest);
    });

    test("another bundle makes another digest", async () => {
      const other = await layerOf([{ name: "app/bundle/index.mjs", content: "console.log(2)" }]);
      await under.registry.storeLayer(REPOSITORY, other, Readable.from([other.content]));
      expect((await build({ layers: [externals, other] })).digest).not.toBe((await build()).digest);
    });

    const REFUSED: Record<
      string,
      { change: () => Partial<ImageRequest> | Promise<Partial<ImageRequest>>; want: object }
    > = {
      "a base image that is not there": {
        change: () => ({ baseImage: `${under.at.host}/gantry/nothing:1` }),
        want: { code: "BASE_IMAGE_NOT_FOUND" },
      },
      "a base image for other machines": {
        change: async () => ({ baseImage: await pushBase(under.at, "gantry/arm", { platforms: ["linux/arm64"] }) }),
        want: { code: "WRONG_ARCHITECTURE", message: expect.stringContaining("linux/arm64") },
      },
      "a layer that nobody uploaded": {
        change: async () => ({ layers: [await layerOf([{ name: "app/bundle/never.mjs" }])] }),
        want: { code: "LAYER_MISSING" },
      },
      "a registry that is away": {
        change: () => ({ baseImage: "localhost:1/gantry/worker:1" }),
        want: { code: "REGISTRY_UNAVAILABLE" },
      },
    };
    test.each(Object.entries(REFUSED))("%s is refused", async (_sentence, { change, want }) => {
      await expect(build(await change())).rejects.toMatchObject(want);
    });

    test("a build that is aborted rejects with the reason and leaves no image", async () => {
      const abort = new AbortController();
      abort.abort(new Error("the client went away"));
      const fresh = await layerOf([{ name: "app/bundle/aborted.mjs" }]);
      await under.registry.storeLayer(REPOSITORY, fresh, Readable.from([fresh.content]));
      await expect(under.builder.build(request({ layers: [fresh] }), progress, abort.signal)).rejects.toThrow(
        "the client went away",
      );
    });

    test("an image that is deleted is gone, and builds again", async () => {
      const { digest } = await build();
      expect(await under.registry.deleteImage(REPOSITORY, digest)).toBe(true);
      expect(await under.registry.imagePlatforms(REPOSITORY, digest)).toBeUndefined();
      expect(await under.registry.deleteImage(REPOSITORY, digest)).toBe(false);
      expect((await build()).digest).toBe(digest);
    });
  });
}

export const AMD64_AND_ARM64: ImagePlatform[] = ["linux/amd64", "linux/arm64"];
