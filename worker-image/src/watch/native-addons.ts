/**
 * Native add-ons that only compute: they hash, compress, parse or draw, and what they return is all they do. By a part of
 * their path; `/` stands for either separator.
 */
export const NATIVE_ADDONS: readonly string[] = [
  "/@napi-rs/canvas",
  "/@node-rs/",
  "/@img/sharp",
  "/@resvg/",
  "/@swc/core",
  "/@tailwindcss/oxide",
  "/argon2/",
  "/bcrypt/",
  "/bufferutil/",
  "/canvas/",
  "/cbor-extract",
  "/@cbor-extract/",
  "/cpu-features/",
  "/lightningcss",
  "/lz4/",
  "/lz4-napi",
  "/msgpackr-extract",
  "/@msgpackr-extract/",
  "/onnxruntime-node/",
  "/re2/",
  "/sharp/",
  "/snappy/",
  "/@napi-rs/snappy",
  "/ssh2/lib/protocol/crypto/",
  "/utf-8-validate/",
  "/xxhash-addon/",
  "/@mongodb-js/zstd",
  "/@oxc-",
  "/oxc-",
];

export function isKnownAddon(path: string, known: readonly string[]): boolean {
  const plain = path.replaceAll("\\", "/");
  return known.some((part) => plain.includes(`/node_modules${part}`));
}
