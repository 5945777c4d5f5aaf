import { dirname, posix, resolve } from "node:path";
import { imagePath } from "./image-path.ts";

/**
 * A source map whose sources are where `imagePath` says, so that a stack in an image names a file as the project does
 * (`/app/bundle/tasks/a.ts`), and that holds nothing of the machine it was built on. `path` is where the map lies now,
 * `name` its path in the bundle.
 */
export function withImagePaths(projectDir: string, path: string, name: string, contents: Uint8Array): Uint8Array {
  const map = JSON.parse(new TextDecoder().decode(contents)) as { sources: string[] };
  const sources = map.sources.map((source) => {
    const made = /gantry:\w+$/.exec(source);
    const inImage = made === null ? imagePath(projectDir, resolve(dirname(path), decodeURI(source))) : made[0];
    return encodeURI(posix.relative(posix.dirname(name), inImage));
  });
  return new TextEncoder().encode(JSON.stringify({ ...map, sources }));
}
