/** An image's name taken apart. `docker.io/library/node:24` is what `node:24` stands for. */
export interface ImageReference {
  /** Host and port. */
  registry: string;
  repository: string;
  /** A tag, or a digest with its `sha256:`. */
  reference: string;
}

const DOCKER_HUB = "docker.io";

/** Undefined where the text names no image. A digest wins over a tag beside it. */
export function parseImageReference(text: string): ImageReference | undefined {
  const [, name = "", tag, digest] =
    /^([\w.\-:/[\]]+?)(?::([\w][\w.-]{0,127}))?(?:@(sha256:[a-f0-9]{64}))?$/.exec(text) ?? [];
  const [first = "", ...rest] = name.split("/");
  const hasRegistry = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  const path = hasRegistry ? rest.join("/") : name;
  if (!/^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/.test(path))
    return undefined;
  const registry = hasRegistry ? first : DOCKER_HUB;
  const isOfficial = registry === DOCKER_HUB && !path.includes("/");
  return { registry, repository: isOfficial ? `library/${path}` : path, reference: digest ?? tag ?? "latest" };
}

/** Where a registry's API is: Docker Hub's is not at its name, and one on this machine speaks plain HTTP. */
export function registryUrl(registry: string): string {
  if (registry === DOCKER_HUB || registry === "index.docker.io") return "https://registry-1.docker.io";
  return `${isThisMachine(registry) ? "http" : "https"}://${registry}`;
}

function isThisMachine(registry: string): boolean {
  return /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/.test(registry);
}
