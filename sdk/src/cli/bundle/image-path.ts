import { join, relative, sep } from "node:path";
import { sdkRoot } from "./project-root.ts";

/**
 * Where a file of the project lies in an image, relative to the bundle: under its path in the project, without what leads
 * out of it. Source maps, `import.meta.url` and additional files agree on it. With forward slashes; the same on every
 * machine.
 */
export function imagePath(projectDir: string, file: string): string {
  const inSdk = relative(sdkRoot(), file);
  // An SDK that is linked into the project lies anywhere.
  const isLinkedSdk = !inSdk.startsWith("..") && !file.includes("node_modules");
  const path = isLinkedSdk ? join("node_modules/@gantry/sdk", inSdk) : relative(projectDir, file);
  return path
    .split(sep)
    .filter((part) => part !== "..")
    .join("/");
}
