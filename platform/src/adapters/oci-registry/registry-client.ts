import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { AppError } from "../../errors.ts";
import { type RegistryCall, type RegistryConnection, type RegistryReply, single } from "./registry-connection.ts";

export const MEDIA = {
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerList: "application/vnd.docker.distribution.manifest.list.v2+json",
  ociManifest: "application/vnd.oci.image.manifest.v1+json",
  ociIndex: "application/vnd.oci.image.index.v1+json",
} as const;
const MANIFESTS = { accept: Object.values(MEDIA).join(", ") };

/** As the OCI distribution specification says; more is no manifest. */
const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;

export interface Manifest {
  mediaType: string;
  digest: string;
  bytes: Buffer;
}

export const digestOf = (bytes: Buffer): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/**
 * The OCI distribution API, as far as images are built and cleaned up with it. What is not there is `undefined` or false;
 * other errors are RegistryConnection's.
 */
export class RegistryClient {
  readonly connection: RegistryConnection;

  constructor(connection: RegistryConnection) {
    this.connection = connection;
  }

  get host(): string {
    return this.connection.host;
  }

  /** Resolves where the registry answers and takes our credentials. */
  async ping(): Promise<void> {
    await this.#done({ method: "GET", at: "/v2/", repository: "", action: "pull", accept: [200, 401, 404] });
  }

  async hasManifest(repository: string, reference: string): Promise<boolean> {
    const at = `/v2/${repository}/manifests/${reference}`;
    const accept = [200, 404];
    const status = await this.#done({ method: "HEAD", at, repository, action: "pull", headers: MANIFESTS, accept });
    return status === 200;
  }

  async manifest(repository: string, reference: string, signal?: AbortSignal): Promise<Manifest | undefined> {
    const at = `/v2/${repository}/manifests/${reference}`;
    const accept = [200, 404];
    const reply = await this.connection.call({
      method: "GET",
      at,
      repository,
      action: "pull",
      headers: MANIFESTS,
      accept,
      signal,
    });
    if (reply.statusCode === 404) return void (await reply.body.dump());
    const bytes = await readAtMost(reply.body, MAX_MANIFEST_BYTES);
    const digest = digestOf(bytes);
    if (reference.startsWith("sha256:") && reference !== digest)
      throw new AppError("REGISTRY_UNAVAILABLE", `The registry ${this.host} sent another manifest than ${reference}.`);
    return { mediaType: mediaTypeOf(reply, bytes), digest, bytes };
  }

  async putManifest(
    repository: string,
    reference: string,
    manifest: { mediaType: string; bytes: Buffer },
    signal?: AbortSignal,
  ): Promise<void> {
    await this.#done({
      method: "PUT",
      at: `/v2/${repository}/manifests/${reference}`,
      repository,
      action: "push",
      signal,
      headers: { "content-type": manifest.mediaType },
      body: manifest.bytes,
      accept: [200, 201, 202],
    });
  }

  /** False where it is gone already (404) or the registry does not allow it (405). */
  async deleteManifest(repository: string, digest: string): Promise<boolean> {
    const at = `/v2/${repository}/manifests/${digest}`;
    const accept = [200, 202, 400, 404, 405];
    return [200, 202].includes(await this.#done({ method: "DELETE", at, repository, action: "delete", accept }));
  }

  /** A blob's size; undefined where the repository lacks it. */
  async blobSize(repository: string, digest: string, signal?: AbortSignal): Promise<number | undefined> {
    const at = `/v2/${repository}/blobs/${digest}`;
    const reply = await this.connection.call({
      method: "HEAD",
      at,
      repository,
      action: "pull",
      accept: [200, 404],
      signal,
    });
    await reply.body.dump();
    return reply.statusCode === 404 ? undefined : Number(single(reply.headers["content-length"]));
  }

  async blob(repository: string, digest: string, signal?: AbortSignal): Promise<Readable | undefined> {
    const at = `/v2/${repository}/blobs/${digest}`;
    const reply = await this.connection.call({
      method: "GET",
      at,
      repository,
      action: "pull",
      accept: [200, 404],
      signal,
    });
    return reply.statusCode === 404 ? void (await reply.body.dump()) : reply.body;
  }

  /** A small blob as a whole, checked against its digest. */
  async smallBlob(repository: string, digest: string, signal?: AbortSignal): Promise<Buffer | undefined> {
    const stream = await this.blob(repository, digest, signal);
    if (stream === undefined) return undefined;
    const bytes = await readAtMost(stream, MAX_MANIFEST_BYTES);
    if (digestOf(bytes) === digest) return bytes;
    throw new AppError("REGISTRY_UNAVAILABLE", `The registry ${this.host} sent another blob than ${digest}.`);
  }

  async putSmallBlob(repository: string, bytes: Buffer, signal?: AbortSignal): Promise<void> {
    const session = await this.#beginUpload(repository, {}, signal);
    await this.#done({
      method: "PUT",
      at: withDigest(session, digestOf(bytes)),
      repository,
      action: "push",
      signal,
      headers: { "content-type": "application/octet-stream" },
      body: bytes,
      accept: [201, 202, 204],
    });
  }

  /**
   * Streams a blob. `verified` is awaited between the last byte and the commit: where it rejects, the upload is cancelled
   * and the repository has nothing of it.
   */
  async putBlob(
    repository: string,
    blob: { digest: string; bytes: number },
    content: Readable,
    verified: Promise<unknown>,
    signal?: AbortSignal,
  ): Promise<void> {
    const session = await this.#beginUpload(repository, {}, signal);
    let at = session;
    try {
      const sent = await this.connection.call({
        method: "PATCH",
        at,
        repository,
        action: "push",
        signal,
        headers: {
          "content-type": "application/octet-stream",
          "content-length": String(blob.bytes),
        },
        body: content,
        accept: [201, 202, 204],
      });
      await sent.body.dump();
      at = single(sent.headers.location) ?? session;
      await verified;
      await this.#done({
        method: "PUT",
        at: withDigest(at, blob.digest),
        repository,
        action: "push",
        signal,
        headers: { "content-type": "application/octet-stream" },
        body: Buffer.alloc(0),
        accept: [201, 202, 204],
      });
    } catch (error) {
      await this.#cancelUpload(repository, at);
      throw error;
    }
  }

  /** Takes a blob from another repository of the same registry. False where the registry wants it sent instead. */
  async mountBlob(repository: string, digest: string, from: string, signal?: AbortSignal): Promise<boolean> {
    const query = new URLSearchParams({ mount: digest, from });
    const reply = await this.connection.call({
      method: "POST",
      at: `/v2/${repository}/blobs/uploads/?${query}`,
      repository,
      action: "push",
      signal,
      alsoFrom: from,
      body: Buffer.alloc(0),
      accept: [201, 202],
    });
    await reply.body.dump();
    if (reply.statusCode === 201) return true;
    const session = single(reply.headers.location);
    if (session !== undefined) await this.#cancelUpload(repository, session);
    return false;
  }

  async #beginUpload(repository: string, headers: Record<string, string>, signal?: AbortSignal): Promise<string> {
    const at = `/v2/${repository}/blobs/uploads/`;
    const reply = await this.connection.call({
      method: "POST",
      at,
      repository,
      action: "push",
      headers,
      body: Buffer.alloc(0),
      accept: [202],
      signal,
    });
    await reply.body.dump();
    const location = single(reply.headers.location);
    if (location === undefined)
      throw new AppError("REGISTRY_UNAVAILABLE", `The registry ${this.host} began an upload without saying where.`);
    return location;
  }

  /** Registries forget uploads by themselves in the end; an error is not worth more words than what led here. */
  async #cancelUpload(repository: string, at: string): Promise<void> {
    await this.#done({
      method: "DELETE",
      at,
      repository,
      action: "push",
      accept: [200, 202, 204, 400, 404, 405],
    }).catch(() => undefined);
  }

  async #done(call: RegistryCall): Promise<number> {
    const reply = await this.connection.call(call);
    await reply.body.dump();
    return reply.statusCode;
  }
}

function withDigest(location: string, digest: string): string {
  return `${location}${location.includes("?") ? "&" : "?"}digest=${encodeURIComponent(digest)}`;
}

function mediaTypeOf(reply: RegistryReply, bytes: Buffer): string {
  const said = (JSON.parse(bytes.toString("utf8")) as { mediaType?: string }).mediaType;
  return said ?? (single(reply.headers["content-type"]) ?? MEDIA.ociManifest).split(";")[0]?.trim() ?? "";
}

async function readAtMost(stream: Readable, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      stream.destroy();
      throw new AppError("REGISTRY_UNAVAILABLE", `The registry sent more than the ${maxBytes} bytes of a manifest.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
