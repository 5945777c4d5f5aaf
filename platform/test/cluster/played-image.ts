import { createHash } from "node:crypto";

/**
 * An image of Node that does what the pod's variable PLAY says, made without Docker: the manifest of an image that the
 * local cluster has, with another entrypoint. It plays a worker where only the cluster's part is tested.
 */
const REGISTRY = process.env.GANTRY_TEST_REGISTRY ?? "http://localhost:5000";
const BASE = { repository: "gantry/base-node", tag: "24" };
const REPOSITORY = "gantry-test/played";
const TYPES = ["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"];

interface Manifest {
  mediaType?: string;
  config: { mediaType: string; digest: string; size: number };
  layers: { digest: string }[];
}

export interface PlayedImage {
  registry: string;
  repository: string;
  digest: string;
}

let made: Promise<PlayedImage> | undefined;

export function playedImage(): Promise<PlayedImage> {
  made ??= make();
  return made;
}

async function make(): Promise<PlayedImage> {
  const { manifest, type } = await baseManifest();
  const config = (await (await ask(`${BASE.repository}/blobs/${manifest.config.digest}`)).json()) as {
    config?: object;
  };
  const entry = ["node", "-e", "eval(process.env.PLAY)"];
  const blob = Buffer.from(JSON.stringify({ ...config, config: { ...config.config, Entrypoint: entry, Cmd: [] } }));
  for (const { digest } of manifest.layers) await mount(digest);
  const digest = digestOf(blob);
  const at = (await ask(`${REPOSITORY}/blobs/uploads/`, { method: "POST" })).headers.get("location") ?? "";
  const to = new URL(at, REGISTRY);
  to.searchParams.set("digest", digest);
  await ask(to.href, { method: "PUT", body: blob, headers: { "content-type": "application/octet-stream" } });
  const body = Buffer.from(JSON.stringify({ ...manifest, config: { ...manifest.config, digest, size: blob.length } }));
  const image = digestOf(body);
  await ask(`${REPOSITORY}/manifests/${image}`, { method: "PUT", body, headers: { "content-type": type } });
  return { registry: new URL(REGISTRY).host, repository: REPOSITORY, digest: image };
}

/** Of a plain image, or the first of an index. */
async function baseManifest(): Promise<{ manifest: Manifest; type: string }> {
  const accept = [...TYPES, "application/vnd.oci.image.index.v1+json"].join(", ");
  let response = await ask(`${BASE.repository}/manifests/${BASE.tag}`, { headers: { accept } });
  const index = (await response.clone().json()) as { manifests?: { digest: string }[] };
  if (index.manifests?.[0] !== undefined)
    response = await ask(`${BASE.repository}/manifests/${index.manifests[0].digest}`, { headers: { accept } });
  const type = response.headers.get("content-type") ?? (TYPES[0] as string);
  return { manifest: (await response.json()) as Manifest, type };
}

async function mount(digest: string): Promise<void> {
  await ask(`${REPOSITORY}/blobs/uploads/?mount=${digest}&from=${BASE.repository}`, { method: "POST" });
}

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const url = path.startsWith("http") ? path : `${REGISTRY}/v2/${path}`;
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(`${init.method ?? "GET"} ${url}: ${response.status} ${await response.text()}`);
  return response;
}

function digestOf(blob: Buffer): string {
  return `sha256:${createHash("sha256").update(blob).digest("hex")}`;
}
