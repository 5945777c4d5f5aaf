import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LayerCache, type LayerFile } from "./layer-cache.ts";
import { digestIn, localBuild, writeContext } from "./local-build.ts";
import type { LocalBuildRequest } from "./local-build-request.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "gantry-local-build-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const signal = new AbortController().signal;

async function layer(path: string, text: string, kind: Pick<LayerFile, "kind" | "platform">): Promise<LayerFile> {
  const entries = [{ path, isExecutable: false, read: () => new TextEncoder().encode(text) }];
  return await new LayerCache(join(dir, "layers"), { isUsed: false }).layer(
    Buffer.from(path + text)
      .toString("hex")
      .padEnd(32, "0"),
    kind,
    entries.slice.bind(entries),
    signal,
  );
}

async function request(overrides: Partial<LocalBuildRequest> = {}): Promise<LocalBuildRequest> {
  return {
    layers: [
      await layer("app/node_modules/a/index.js", "arm", { kind: "externals", platform: "linux/arm64" }),
      await layer("app/node_modules/a/index.js", "amd", { kind: "externals", platform: "linux/amd64" }),
      await layer("app/bundle/entry.mjs", "export {}", { kind: "bundle" }),
    ],
    platforms: ["linux/amd64"],
    baseImage: "scratch",
    instructions: [],
    env: { GANTRY_BUNDLE_DIR: "/app/bundle" },
    labels: { "dev.gantry.project": "shop" },
    access: { registry: "registry.invalid", repository: "shop-prod" },
    cliEnv: process.env,
    log: () => undefined,
    signal,
    ...overrides,
  };
}

test("Docker is given the layers of one platform and those of every platform, bottom first", async () => {
  const asked = await request({ baseImage: "worker:1", instructions: ["RUN true"] });
  const text = readFileSync(join(writeContext(asked, "linux/amd64", join(dir, "context")), "Dockerfile"), "utf8");
  expect(text.replaceAll(/(\d)-(\w+)-[0-9a-f]+/g, "$1-$2")).toBe(
    [
      "FROM worker:1",
      "USER root",
      "RUN true",
      "USER 1000",
      'ADD ["0-externals.tar.gz","/"]',
      'ADD ["1-bundle.tar.gz","/"]',
      'ENV GANTRY_BUNDLE_DIR="/app/bundle"',
      'LABEL dev.gantry.project="shop"',
      "",
    ].join("\n"),
  );
});

test("the digest is read from what docker push says; a push that says none is an error", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  expect(digestIn(`5f70bf18: Pushed\nbuild-1: digest: ${digest} size: 527`)).toBe(digest);
  expect(() => digestIn("pushed")).toThrow(/did not say/);
});

test("a machine without Docker is told what to do", async () => {
  const asked = await request({ cliEnv: { PATH: dir } });
  await expect(localBuild(asked)).rejects.toMatchObject({ code: "DOCKER_MISSING" });
});

const engine = dockerEngine();
describe.skipIf(engine === undefined)("with this machine's Docker (skipped where there is none)", () => {
  test("an engine that does not answer is told apart from a build that failed", async () => {
    const asleep = await request({ cliEnv: { ...process.env, DOCKER_HOST: "unix:///nonexistent/docker.sock" } });
    await expect(localBuild(asleep)).rejects.toMatchObject({ code: "DOCKER_NOT_RUNNING" });
    const broken = await request({ instructions: ["NONSENSE 1"] });
    await expect(localBuild(broken)).rejects.toMatchObject({
      code: "DOCKER_FAILED",
      message: expect.stringMatching(/NONSENSE/i) as string,
    });
  }, 60_000);

  test("an image is built and pushed to the registry, whose digest is what Docker pushed; credentials stay out of the user's", async () => {
    const registry = await blobStore();
    try {
      const before = userConfig();
      const log: string[] = [];
      const access = { registry: registry.host, repository: "shop-prod", username: "_", password: "s3cret" };
      const { digest } = await localBuild(await request({ access, log: (line) => log.push(line) }));
      const manifest = registry.manifests.get(digest);
      expect(manifest?.layers).toHaveLength(2);
      const config = registry.blob(manifest?.config.digest ?? "") as {
        architecture: string;
        config: { Env: string[] };
      };
      expect(config).toMatchObject({ architecture: "amd64" });
      expect(config.config.Env).toContain("GANTRY_BUNDLE_DIR=/app/bundle");
      expect(registry.authorizations).toContain(`Basic ${Buffer.from("_:s3cret").toString("base64")}`);
      expect(log.join("\n")).not.toContain("s3cret");
      expect(userConfig()).toBe(before);
    } finally {
      await registry.close();
    }
  }, 120_000);
});

function dockerEngine(): string | undefined {
  try {
    return execFileSync("docker", ["version", "--format", "{{.Server.Version}}"], { stdio: "pipe" }).toString().trim();
  } catch {
    return undefined;
  }
}

function userConfig(): string {
  try {
    return readFileSync(join(process.env.HOME ?? "/", ".docker/config.json"), "utf8");
  } catch {
    return "";
  }
}

interface ImageManifest {
  config: { digest: string };
  layers: { digest: string }[];
}

/** As much of a registry as a push needs: it asks for a password, and keeps blobs and manifests in memory. */
async function blobStore() {
  const { createHash } = await import("node:crypto");
  const blobs = new Map<string, Buffer>();
  const manifests = new Map<string, ImageManifest>();
  const authorizations: string[] = [];
  const server = createServer((incoming, reply) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const body = Buffer.concat(chunks);
      const url = new URL(incoming.url ?? "/", "http://registry");
      const { authorization } = incoming.headers;
      if (authorization === undefined) return reply.writeHead(401, { "www-authenticate": 'Basic realm="r"' }).end();
      authorizations.push(authorization);
      const digest = `sha256:${createHash("sha256").update(body).digest("hex")}`;
      const upload = /\/blobs\/uploads\/(\w*)/.exec(url.pathname);
      if (upload !== null) {
        if (incoming.method === "POST") return reply.writeHead(202, { location: `${url.pathname}u1` }).end();
        const key = upload[1] ?? "";
        const all = Buffer.concat([blobs.get(key) ?? Buffer.alloc(0), body]);
        blobs.set(key, all);
        if (incoming.method === "PATCH")
          return reply.writeHead(202, { location: url.pathname, range: `0-${all.length - 1}` }).end();
        blobs.set(url.searchParams.get("digest") ?? "", all);
        blobs.delete(key);
        return reply.writeHead(201).end();
      }
      if (incoming.method === "PUT") {
        manifests.set(digest, JSON.parse(body.toString()) as ImageManifest);
        return reply.writeHead(201, { "docker-content-digest": digest }).end();
      }
      const known = blobs.get(url.pathname.split("/").at(-1) ?? "");
      if (known !== undefined) return reply.writeHead(200, { "content-length": known.length }).end();
      return reply.writeHead(url.pathname === "/v2/" ? 200 : 404).end();
    });
  });
  // Docker trusts plain HTTP on the loopback address only.
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    manifests,
    authorizations,
    blob: (digest: string) => JSON.parse(blobs.get(digest)?.toString() ?? "null") as unknown,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
