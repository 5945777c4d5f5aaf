import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { onTestFinished } from "vitest";

export interface FakePackage {
  /** With name and version. */
  manifest: { name: string; version: string } & Record<string, unknown>;
  /** Besides package.json. */
  files?: Record<string, string>;
}

/** An npm registry that has these packages and no others. */
export async function fakeNpmRegistry(packages: FakePackage[]) {
  const tarballs = new Map<string, Buffer>();
  const asked: string[] = [];
  let origin = "";
  for (const { manifest, files = {} } of packages) {
    tarballs.set(`/${manifest.name}/-/${manifest.version}.tgz`, await tarball(manifest, files));
  }
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? "");
    asked.push(path);
    const found = tarballs.get(path);
    if (found !== undefined) return void response.end(found);
    const versions = packages.filter(({ manifest }) => `/${manifest.name}` === path);
    if (versions.length === 0) return void response.writeHead(404).end("{}");
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(packument(versions.map(({ manifest }) => manifest))));
  });

  function packument(manifests: FakePackage["manifest"][]) {
    const versions = manifests.map((manifest) => {
      const path = `/${manifest.name}/-/${manifest.version}.tgz`;
      const hash = createHash("sha512").update(tarballs.get(path) as Buffer);
      const dist = { tarball: origin + path, integrity: `sha512-${hash.digest("base64")}` };
      return [manifest.version, { ...manifest, dist }];
    });
    const latest = manifests.at(-1)?.version;
    return { name: manifests[0]?.name, "dist-tags": { latest }, versions: Object.fromEntries(versions) as object };
  }

  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  onTestFinished(() => void server.close());
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url: `${origin}/`, asked };
}

async function tarball(manifest: object, files: Record<string, string>): Promise<Buffer> {
  const archive = pack();
  archive.entry({ name: "package/package.json" }, JSON.stringify(manifest));
  for (const [name, text] of Object.entries(files)) archive.entry({ name: `package/${name}` }, text);
  archive.finalize();
  return gzipSync(await buffer(archive));
}
