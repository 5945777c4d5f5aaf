import { dirname, posix, resolve } from "node:path";
import { imagePath } from "./image-path.ts";

/**
 * A source map whose sources are where `imagePath` says, so that a stack in an image names a file as the project does
 * (`/app/bundle/tasks/a.ts`), and that holds nothing of the machine it was built on. `path` is where the map lies now,
 * `name` its path in the bundle. The text of packages is left out: a stack needs lines, and it is most of a map's size.
 */
export function withImagePaths(projectDir: string, path: string, name: string, contents: Uint8Array): Uint8Array {
  const map = JSON.parse(new TextDecoder().decode(contents)) as {
    sources: string[];
    sourcesContent?: (string | null)[];
  };
  const places = map.sources.map((source) => placeOf(projectDir, path, source));
  const sources = places.map((place) => encodeURI(posix.relative(posix.dirname(name), place)));
  const texts = map.sourcesContent?.map((text, index) => (places[index]?.includes("node_modules/") ? null : text));
  return new TextEncoder().encode(JSON.stringify({ ...map, sources, ...(texts && { sourcesContent: texts }) }));
}

function placeOf(projectDir: string, path: string, source: string): string {
  const made = /gantry:\w+$/.exec(source);
  return made?.[0] ?? imagePath(projectDir, resolve(dirname(path), decodeURI(source)));
}
