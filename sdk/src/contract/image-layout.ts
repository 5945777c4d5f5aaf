/** Where things lie in a worker image. The base image brings the runner; a version's layers bring the rest. */
export const IMAGE_LAYOUT = {
  /** The runner and the task process: `runner.js`, `task-process.js`. From the base image. */
  workerDir: "/gantry",
  /** The version's code; also the task process's working directory. From the bundle layer. */
  bundleDir: "/app/bundle",
  /** Packages that were left outside the bundle, found from it by Node's own look-up. From the externals layer. */
  modulesDir: "/app/node_modules",
  /** What `additionalFiles` adds lies beside the bundle, under the paths it has in the project. */
  filesDir: "/app/bundle",
  /** The image's user: neither root nor in anybody's group. */
  user: 1000,
} as const;

/** Platforms an image may be built for, as in an OCI index. */
export const IMAGE_PLATFORMS = ["linux/amd64", "linux/arm64"] as const;
export type ImagePlatform = (typeof IMAGE_PLATFORMS)[number];
