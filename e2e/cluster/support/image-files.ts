import { spawn } from "node:child_process";
import { once } from "node:events";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

interface Manifest {
  layers: { digest: string }[];
}

/**
 * Writes the files of an image in the local registry below a folder, as a container would see them, with owners and file
 * capabilities: as root. Files that a later layer removes stay.
 */
export async function writeImageFiles(repository: string, tag: string, folder: string): Promise<void> {
  const registry = `http://localhost:5000/v2/${repository}`;
  const accept = "application/vnd.docker.distribution.manifest.v2+json";
  const { layers } = (await (await fetched(`${registry}/manifests/${tag}`, { accept })).json()) as Manifest;
  for (const { digest } of layers) await untar(await fetched(`${registry}/blobs/${digest}`), folder);
}

async function fetched(url: string, headers: Record<string, string> = {}): Promise<Response> {
  const response = await fetch(url, { headers });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response;
}

async function untar(layer: Response, folder: string): Promise<void> {
  const options = ["--extract", "--gzip", "--numeric-owner", "--preserve-permissions", "--exclude=.wh.*"];
  const child = spawn("tar", [...options, "--xattrs", "--xattrs-include=security.capability", "-C", folder], {
    stdio: ["pipe", "inherit", "inherit"],
  });
  const ended = once(child, "exit");
  await pipeline(Readable.fromWeb(layer.body as never), child.stdin);
  const [code] = await ended;
  if (code !== 0) throw new Error(`tar ended with ${code}`);
}
