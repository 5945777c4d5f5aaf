import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { onTestFinished } from "vitest";
import type { BuildEvent, DeployTarget, Layer } from "../../src/contract/api/index.ts";

interface Build {
  contentHash: string;
  layers: Layer[];
  platforms: string[];
  promote: boolean;
  builder?: string;
  instructions: string[];
  manifest: { tasks: { id: string; filePath: string }[]; runtime: string; entry: string };
}

export interface FakePlatformOptions {
  target?: Partial<DeployTarget>;
  /** The environment's, as the API shows them. */
  variables?: { name: string; value: string }[];
  /** Instead of building: what the build's reply is. */
  build?: (body: Build, attempt: number) => BuildEvent[] | "cut off" | "never ends";
  /** Status and code of any request whose path contains the name. */
  refuse?: Record<string, { status: number; code: string; error: string; remedy?: string }>;
}

/** The part of the platform that a deploy speaks to, with a registry in memory. It checks what it is sent. */
export async function fakeDeployPlatform(options: FakePlatformOptions = {}) {
  const layers = new Map<string, Buffer>();
  const builds: Build[] = [];
  const requests: string[] = [];
  const imports: unknown[] = [];
  const versions: { version: string; contentHash: string; isCurrent: boolean }[] = [];
  const target: DeployTarget = {
    executor: "none",
    builders: ["oci-registry"],
    platforms: ["linux/amd64"],
    baseImage: "registry/gantry/worker@sha256:0",
    repository: "gantry/demo-prod",
    maxLayerBytes: 100_000_000,
    ...options.target,
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "" } = request;
    requests.push(`${method} ${url}`);
    const refused = Object.entries(options.refuse ?? {}).find(([path]) => url.includes(path));
    const reply = (body: unknown, status = 200) => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    if (refused !== undefined) return void request.resume().on("end", () => reply(refused[1], refused[1].status));
    if (url === "/api/v1/deployments/target") return reply(target);
    if (url === "/api/v2/whoami") {
      return reply({
        project: { ref: "demo" },
        environment: { slug: "prod" },
        credential: { kind: "key", scopes: [] },
      });
    }
    if (url === "/api/v1/projects/demo/envvars/prod") return reply(options.variables ?? []);
    if (url === "/api/v1/projects/demo/envvars/prod/import") {
      imports.push(await json(request));
      return reply({ success: true });
    }
    if (url === "/api/v1/deployments/layers/missing") {
      const { digests } = (await json(request)) as { digests: string[] };
      return reply({ missing: digests.filter((digest) => !layers.has(digest)) });
    }
    if (method === "PUT") return storeLayer(request, url, reply);
    if (url === "/api/v1/deployments/build") return build((await json(request)) as Build, response);
    if (url === "/api/v1/deployments/current") {
      const current = versions.find(({ isCurrent }) => isCurrent);
      return current === undefined
        ? reply({ error: "none", code: "DEPLOYMENT_NOT_FOUND" }, 404)
        : reply(detail(current));
    }
    if (url.startsWith("/api/v1/deployments?")) {
      return reply({ data: versions.toReversed().map(detail), pagination: {} });
    }
    return reply({ error: `Nothing at ${url}`, code: "NOT_FOUND" }, 404);
  }

  async function storeLayer(request: IncomingMessage, url: string, reply: (body: unknown, status?: number) => void) {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    const isWhole = Number(request.headers["content-length"]) === bytes.byteLength && url.endsWith(digest);
    if (!isWhole) return reply({ error: "not what was announced", code: "LAYER_INVALID" }, 422);
    layers.set(digest, bytes);
    return reply({});
  }

  function build(body: Build, response: ServerResponse): void {
    builds.push(body);
    const events = options.build?.(body, builds.length) ?? [
      { type: "step" as const, step: "build" as const, message: "Building" },
      done(body),
    ];
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    if (events === "cut off") return void response.write("{}\n".slice(0, 1), () => response.destroy());
    if (events === "never ends") return void response.write("\n");
    response.end(events.map((event) => `${JSON.stringify(event)}\n`).join(""));
  }

  function done(body: Build): BuildEvent {
    const known = versions.find(({ isCurrent }) => isCurrent);
    if (known?.contentHash === body.contentHash) return { ...end(known), isNew: false };
    const made = { version: `20300101.${versions.length + 1}`, contentHash: body.contentHash, isCurrent: body.promote };
    if (body.promote) for (const each of versions) each.isCurrent = false;
    versions.push(made);
    return { ...end(made), isNew: true };
  }

  const detail = (known: (typeof versions)[number]) => ({
    ...{ id: `deployment_${known.version}`, shortCode: known.version, imageReference: "gantry/demo-prod@sha256:1" },
    ...{ createdAt: "2030-01-01T00:00:00.000Z", status: "DEPLOYED", runtime: "node", runtimeVersion: null, ...known },
    ...{ imagePlatform: "", worker: { id: "w", version: known.version, tasks: [] }, queues: [] },
  });
  const end = (known: (typeof versions)[number]) => ({
    type: "done" as const,
    deployment: detail(known) as unknown as Extract<BuildEvent, { type: "done" }>["deployment"],
    platformMs: 1,
  });

  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    builds,
    requests,
    imports,
    /** Names and contents of an uploaded layer's files, folders left out. */
    files: (digest: string) => untar(gunzipSync(layers.get(digest) as Buffer)),
  };
}

/** Regular files of a ustar archive with short names. */
export function untar(tar: Buffer): Record<string, string> {
  const files: Record<string, string> = {};
  for (let at = 0; at < tar.length && tar[at] !== 0; ) {
    const field = (from: number, length: number) => tar.toString("utf8", at + from, at + from + length).split("\0")[0];
    const size = Number.parseInt(field(124, 12) ?? "0", 8);
    const prefix = field(345, 155);
    const name = `${prefix ? `${prefix}/` : ""}${field(0, 100)}`;
    if (field(156, 1) === "0") files[name] = tar.toString("utf8", at + 512, at + 512 + size);
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}
