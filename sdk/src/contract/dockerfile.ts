import { IMAGE_LAYOUT } from "./image-layout.ts";

/** What a worker image is made of where it is built by Docker; of one platform. */
export interface DockerfileParts {
  /** The worker image, or one made from it. */
  baseImage: string;
  /** Lines of build extensions, run as root before the layers are added, so that Docker keeps them in its cache. */
  instructions: string[];
  /** Compressed tars in the build's context, bottom first. Docker unpacks them over the root, with their owners. */
  layerFiles: string[];
  env: Record<string, string>;
  labels: Record<string, string>;
}

/** The Dockerfile of a version. The platform's docker builder and `gantry deploy --local-build` both use it. Pure. */
export function dockerfile({ baseImage, instructions, layerFiles, env, labels }: DockerfileParts): string {
  const asRoot = instructions.length === 0 ? [] : ["USER root", ...instructions, `USER ${IMAGE_LAYOUT.user}`];
  return [
    `FROM ${baseImage}`,
    ...asRoot,
    ...layerFiles.map((file) => `ADD ${JSON.stringify([file, "/"])}`),
    ...pairs("ENV", env),
    ...pairs("LABEL", labels),
    "",
  ].join("\n");
}

/** In the order of their names: the same parts give the same text. */
function pairs(keyword: string, values: Record<string, string>): string[] {
  return Object.keys(values)
    .sort()
    .map((name) => `${keyword} ${name}=${quoted(values[name] ?? "")}`);
}

/** A value as Dockerfiles read it: no variable in it is replaced, and a line break stays inside one instruction. */
function quoted(value: string): string {
  const escaped = value.replace(/[\\"$]/g, "\\$&").replace(/\r?\n/g, "\\n");
  return `"${escaped}"`;
}
