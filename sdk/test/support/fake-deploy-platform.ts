import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
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

interface Version {
  version: string;
  contentHash: string;
  isCurrent: boolean;
}

export interface FakePlatformOptions {
  target?: Partial<DeployTarget>;
  /** The environment's, as the API shows them. */
  variables?: { name: string; value: string }[];
  /** Instead of building: what the build's reply is. */
  build?: (body: Build) => BuildEvent[] | "cut off" | "never ends";
  /** Status and code of any request whose path contains the name. */
  refuse?: Record<string, { status: number; code: string; error: string; remedy?: string }>;
}

const TARGET: DeployTarget = {
  executor: "none",
  builders: ["oci-registry"],
  platforms: ["linux/amd64"],
  baseImage: "registry/gantry/worker@sha256:0",
  repository: "gantry/demo-prod",
  maxLayerBytes: 100_000_000,
};
const WHOAMI = { project: { ref: "demo" }, environment: { slug: "prod" }, credential: { kind: "key", scopes: [] } };

/** The part of the platform that a deploy speaks to, with a registry in memory. It checks what it is sent. */
class FakeDeployPlatform {
  url = "";
  readonly builds: Build[] = [];
  readonly requests: string[] = [];
  /** What was uploaded as variables. */
  readonly imports: unknown[] = [];
  readonly #options: FakePlatformOptions;
  readonly #layers = new Map<string, Buffer>();
  readonly #versions: Version[] = [];

  constructor(options: FakePlatformOptions) {
    this.#options = options;
  }

  /** Names and contents of an uploaded layer's files, folders left out. */
  files(digest: string): Record<string, string> {
    return untar(gunzipSync(this.#layers.get(digest) as Buffer));
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "" } = request;
    this.requests.push(`${method} ${url}`);
    const refused = Object.entries(this.#options.refuse ?? {}).find(([path]) => url.includes(path))?.[1];
    const bytes = await buffer(request).catch(() => Buffer.alloc(0));
    if (refused === undefined && url === "/api/v1/deployments/build") return this.#build(parsed(bytes), response);
    const reply = refused ?? this.#reply(request, url, bytes);
    const { status } = reply as { status?: unknown };
    response
      .writeHead(typeof status === "number" ? status : 200, { "content-type": "application/json" })
      .end(JSON.stringify(reply));
  }

  #reply(request: IncomingMessage, url: string, bytes: Buffer): object {
    if (request.method === "PUT") return this.#store(request, url, bytes);
    if (url.startsWith("/api/v1/deployments?"))
      return { data: this.#versions.toReversed().map(detail), pagination: {} };
    const replies: Record<string, () => object | undefined> = {
      "/api/v1/deployments/target": () => ({ ...TARGET, ...this.#options.target }),
      "/api/v2/whoami": () => WHOAMI,
      "/api/v1/projects/demo/envvars/prod": () => this.#options.variables ?? [],
      "/api/v1/projects/demo/envvars/prod/import": () => ({ success: this.imports.push(parsed(bytes)) > 0 }),
      "/api/v1/deployments/layers/missing": () => this.#missing(parsed(bytes)),
      "/api/v1/deployments/current": () => this.#versions.filter(({ isCurrent }) => isCurrent).map(detail)[0],
    };
    return replies[url]?.() ?? { status: 404, error: `Nothing at ${url}`, code: "NOT_FOUND" };
  }

  #missing({ digests }: { digests: string[] }): object {
    return { missing: digests.filter((digest) => !this.#layers.has(digest)) };
  }

  #store(request: IncomingMessage, url: string, bytes: Buffer): object {
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    const isWhole = Number(request.headers["content-length"]) === bytes.byteLength && url.endsWith(digest);
    if (!isWhole) return { status: 422, error: "not what was announced", code: "LAYER_INVALID" };
    this.#layers.set(digest, bytes);
    return { success: true };
  }

  #build(body: Build, response: ServerResponse): void {
    this.builds.push(body);
    const events = this.#options.build?.(body) ?? this.#register(body);
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    if (events === "cut off") response.write("{", () => response.destroy());
    else if (events === "never ends") response.write("\n");
    else response.end(events.map((event) => `${JSON.stringify(event)}\n`).join(""));
  }

  #register(body: Build): BuildEvent[] {
    const current = this.#versions.find(({ isCurrent }) => isCurrent);
    const isNew = current?.contentHash !== body.contentHash;
    const number = this.#versions.length + 1;
    const made = { version: `20300101.${number}`, contentHash: body.contentHash, isCurrent: body.promote };
    if (isNew && body.promote) for (const each of this.#versions) each.isCurrent = false;
    if (isNew) this.#versions.push(made);
    return [
      { type: "step", step: "build", message: "Building" },
      { type: "done", deployment: detail(isNew ? made : (current as Version)), isNew, platformMs: 1 },
    ];
  }
}

export async function fakeDeployPlatform(options: FakePlatformOptions = {}): Promise<FakeDeployPlatform> {
  const platform = new FakeDeployPlatform(options);
  const server = createServer((request, response) => void platform.answer(request, response));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  platform.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return platform;
}

function detail(known: Version) {
  return {
    ...known,
    id: `deployment_${known.version}`,
    shortCode: known.version,
    imageReference: "gantry/demo-prod@sha256:1",
    imagePlatform: "linux/amd64",
    createdAt: "2030-01-01T00:00:00.000Z",
    status: "DEPLOYED" as const,
    runtime: "node",
    runtimeVersion: null,
    worker: { id: "w", version: known.version, tasks: [] },
    queues: [],
  };
}

function parsed<T>(bytes: Buffer): T {
  return JSON.parse(bytes.toString("utf8")) as T;
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
