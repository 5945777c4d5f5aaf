// Puts an image of 128 bytes into the registry, for `helm test` to pull: a program that only ends, for amd64 and arm64.
// `node push-test-image.mjs <repository> <tag>`; the registry's address and credentials are the platform's own settings.
import { createHash } from "node:crypto";

const [repository, tag] = process.argv.slice(2);
const {
  GANTRY_PLATFORM_REGISTRY_PUSH_URL: registry,
  GANTRY_PLATFORM_REGISTRY_USERNAME: username,
  GANTRY_PLATFORM_REGISTRY_PASSWORD: password,
} = process.env;

/** exit(0), by the system call's number. */
const PROGRAMS = {
  amd64: { machine: 62, code: "b83c00000031ff0f05" },
  arm64: { machine: 183, code: "a80b80d2000080d2010000d4" },
};

function elf({ machine, code }) {
  const body = Buffer.from(code, "hex");
  const file = Buffer.alloc(120);
  const base = 0x400000n;
  file.write("7f454c46020101", 0, "hex");
  file.writeUInt16LE(2, 16);
  file.writeUInt16LE(machine, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(base + 120n, 24);
  file.writeBigUInt64LE(64n, 32);
  file.writeUInt16LE(64, 52);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt32LE(1, 64);
  file.writeUInt32LE(5, 68);
  file.writeBigUInt64LE(base, 80);
  file.writeBigUInt64LE(base, 88);
  const size = BigInt(120 + body.length);
  for (const at of [96, 104]) file.writeBigUInt64LE(size, at);
  file.writeBigUInt64LE(0x10000n, 112);
  return Buffer.concat([file, body]);
}

/** A tar of one executable file. */
function tarOf(name, content) {
  const header = Buffer.alloc(512);
  const octal = (value, length) => `${value.toString(8).padStart(length - 1, "0")}\0`;
  const fields = [
    name.padEnd(100, "\0"),
    octal(0o755, 8),
    octal(0, 8),
    octal(0, 8),
    octal(content.length, 12),
    octal(0, 12),
  ];
  header.write(`${fields.join("")}        0`, "latin1");
  header.write("ustar\x0000", 257, "latin1");
  header.write(
    octal(
      header.reduce((sum, byte) => sum + byte, 0),
      7,
    ),
    148,
    "latin1",
  );
  return Buffer.concat([header, content, Buffer.alloc(512 - (content.length % 512)), Buffer.alloc(1024)]);
}

const digest = (content) => `sha256:${createHash("sha256").update(content).digest("hex")}`;
let authorization = username ? `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}` : undefined;

async function send(method, url, { body, type, wanted = [200, 201, 202], retry = true } = {}) {
  const headers = { ...(authorization && { authorization }), ...(type && { "content-type": type }) };
  const reply = await fetch(new URL(url, registry), { method, headers, body });
  const challenge = reply.headers.get("www-authenticate") ?? "";
  if (reply.status === 401 && retry && /^bearer/i.test(challenge)) {
    authorization = `Bearer ${await bearerToken(challenge)}`;
    return send(method, url, { body, type, wanted, retry: false });
  }
  if (!wanted.includes(reply.status)) throw new Error(`${method} ${url}: ${reply.status} ${await reply.text()}`);
  return reply;
}

async function bearerToken(challenge) {
  const { realm, service } = Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value]),
  );
  const url = new URL(realm);
  if (service) url.searchParams.set("service", service);
  url.searchParams.set("scope", `repository:${repository}:pull,push`);
  const reply = await fetch(url, { headers: authorization?.startsWith("Basic") ? { authorization } : {} });
  if (!reply.ok) throw new Error(`The registry's token service answered ${reply.status}.`);
  const { token, access_token: accessToken } = await reply.json();
  return token ?? accessToken;
}

async function pushBlob(content, type) {
  const descriptor = { mediaType: type, digest: digest(content), size: content.length };
  const { status } = await send("HEAD", `/v2/${repository}/blobs/${descriptor.digest}`, { wanted: [200, 404] });
  if (status === 200) return descriptor;
  const upload = await send("POST", `/v2/${repository}/blobs/uploads/`);
  const place = new URL(upload.headers.get("location"), registry);
  place.searchParams.set("digest", descriptor.digest);
  await send("PUT", place, { body: content, type: "application/octet-stream" });
  return descriptor;
}

async function pushManifest(reference, manifest) {
  const content = Buffer.from(JSON.stringify({ schemaVersion: 2, ...manifest }));
  await send("PUT", `/v2/${repository}/manifests/${reference ?? digest(content)}`, {
    body: content,
    type: manifest.mediaType,
  });
  return { mediaType: manifest.mediaType, digest: digest(content), size: content.length };
}

async function pushImage(architecture) {
  const tar = tarOf("ok", elf(PROGRAMS[architecture]));
  const rootfs = { type: "layers", diff_ids: [digest(tar)] };
  const config = Buffer.from(
    JSON.stringify({ architecture, os: "linux", config: { Entrypoint: ["/ok"], User: "1000" }, rootfs }),
  );
  const manifest = await pushManifest(undefined, {
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: await pushBlob(config, "application/vnd.oci.image.config.v1+json"),
    layers: [await pushBlob(tar, "application/vnd.oci.image.layer.v1.tar")],
  });
  return { ...manifest, platform: { architecture, os: "linux" } };
}

const manifests = [];
for (const architecture of Object.keys(PROGRAMS)) manifests.push(await pushImage(architecture));
await pushManifest(tag, { mediaType: "application/vnd.oci.image.index.v1+json", manifests });
console.log(`pushed ${repository}:${tag} to ${registry}`);
