import { createHash } from "node:crypto";
import { Transform, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { IMAGE_LAYOUT } from "@gantry/sdk/contract";
import { extract } from "tar-stream";
import { AppError } from "../../errors.ts";

export interface LayerLimits {
  /** Compressed. */
  maxBytes: number;
  /** Of everything in it. */
  maxUnpackedBytes: number;
  maxEntries: number;
}

/** A layer that passes through: what goes in comes out, and `verified` says in the end whether it is what it should be. */
export interface LayerInspection {
  through: Transform;
  /** The tar's own digest. Rejects with LAYER_INVALID or LAYER_TOO_LARGE; `through` is destroyed then. */
  verified: Promise<{ diffId: string }>;
}

/** Folders a layer may write below, and the folders above them. */
const ROOTS = [IMAGE_LAYOUT.bundleDir, IMAGE_LAYOUT.modulesDir, IMAGE_LAYOUT.filesDir].map((dir) => dir.slice(1));

/**
 * Checks a gzipped tar while its bytes pass: its digest and length, and that it holds only files and folders below
 * IMAGE_LAYOUT's, in sane numbers. Nothing is kept: a chunk waits until the check has taken it in.
 */
export function inspectLayer(layer: { digest: string; bytes: number }, limits: LayerLimits): LayerInspection {
  const compressed = createHash("sha256");
  const gunzip = createGunzip();
  let bytes = 0;
  const through = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      compressed.update(chunk);
      if (bytes > layer.bytes)
        return done(invalid(layer.digest, `is longer than the ${layer.bytes} bytes it was said to have`));
      gunzip.write(chunk, (error) => done(error ?? null, chunk));
    },
    flush(done) {
      gunzip.end(done);
    },
  });
  const verified = checkTar(gunzip, layer.digest, limits).then((diffId) => {
    if (bytes !== layer.bytes) throw invalid(layer.digest, `has ${bytes} bytes, not ${layer.bytes}`);
    const digest = `sha256:${compressed.digest("hex")}`;
    if (digest !== layer.digest) throw invalid(layer.digest, `is ${digest} by its content`);
    return { diffId };
  });
  verified.catch((error: Error) => through.destroy(error));
  // Whoever breaks first tells the other; `verified` says it to the caller, so no stream needs to.
  gunzip.on("error", () => undefined);
  through.on("error", (error) => gunzip.destroy(error));
  through.on("close", () => {
    if (!gunzip.writableEnded) gunzip.destroy(invalid(layer.digest, "was cut off"));
  });
  return { through, verified };
}

async function checkTar(gunzip: NodeJS.ReadWriteStream, digest: string, limits: LayerLimits): Promise<string> {
  const hash = createHash("sha256");
  const tar = extract().on("error", () => undefined);
  let entries = 0;
  let unpacked = 0;
  const hashed = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      unpacked += chunk.length;
      if (unpacked > limits.maxUnpackedBytes) return done(tooLarge(digest, "unpacked bytes", limits.maxUnpackedBytes));
      hash.update(chunk);
      done(null, chunk);
    },
  });
  hashed.on("error", () => undefined);
  tar.on("entry", (header, content, next) => {
    entries += 1;
    const problem = entries > limits.maxEntries ? undefined : refuseEntry(header);
    if (entries > limits.maxEntries) return void tar.destroy(tooLarge(digest, "entries", limits.maxEntries));
    if (problem !== undefined) return void tar.destroy(invalid(digest, problem));
    content
      .on("error", () => undefined)
      .on("end", next)
      .resume();
  });
  try {
    await pipeline(gunzip, hashed, tar as unknown as Writable);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw invalid(digest, `cannot be read: ${(error as Error).message}`);
  }
  if (entries === 0) throw invalid(digest, "has no entry");
  return `sha256:${hash.digest("hex")}`;
}

/** Why an entry may not be in a layer; undefined where it may. Links could lead out of the image's folders once it runs. */
export function refuseEntry({
  name,
  type,
  mode,
}: {
  name: string;
  type?: string | null;
  mode?: number;
}): string | undefined {
  const shown = `"${name.slice(0, 200)}"`;
  if (type !== "file" && type !== "directory")
    return `has ${shown}, a ${type ?? "nothing"}; only files and folders may be in it`;
  if (((mode ?? 0) & 0o6000) !== 0) return `has ${shown}, which would run as another user`;
  if (name.startsWith("/")) return `has ${shown}, an absolute path`;
  if (name.includes("\0") || name.includes("\\")) return `has ${shown}, which is no path`;
  const parts = name.replace(/^\.\//, "").replace(/\/$/, "").split("/");
  if (parts.some((part) => part === ".." || part === "." || part === ""))
    return `has ${shown}, which is not a plain path`;
  // A whiteout would take away what a lower layer has.
  if (parts.some((part) => part.startsWith(".wh."))) return `has ${shown}, which removes what is below it`;
  const path = parts.join("/");
  if (ROOTS.some((root) => path.startsWith(`${root}/`))) return undefined;
  if (type === "directory" && ROOTS.some((root) => root === path || root.startsWith(`${path}/`))) return undefined;
  return `has ${shown}, which is not below ${ROOTS.map((root) => `/${root}`).join(" or ")}`;
}

function invalid(digest: string, problem: string): AppError {
  return new AppError("LAYER_INVALID", `The layer ${digest.slice(0, 19)}… ${problem}.`, { details: { digest } });
}

function tooLarge(digest: string, what: string, limit: number): AppError {
  return new AppError(
    "LAYER_TOO_LARGE",
    `The layer ${digest.slice(0, 19)}… has more than the ${limit} ${what} that are allowed.`,
    {
      details: { digest, limit },
    },
  );
}
