/** `@gantry/sdk/build`: what a gantry.config.ts adds to the build of its tasks. */
export { additionalFiles } from "./additional-files.ts";
export { additionalPackages } from "./additional-packages.ts";
export { aptGet } from "./apt-get.ts";
export { emitDecoratorMetadata } from "./emit-decorator-metadata.ts";
export { esbuildPlugin } from "./esbuild-plugin.ts";
export type {
  BuildConfig,
  BuildContext,
  BuildExtension,
  BuildLayer,
  BuildLogger,
  BuildManifest,
  BuildTarget,
  RegisterPluginOptions,
} from "./extension.ts";
export { ffmpeg } from "./ffmpeg.ts";
export {
  type SyncEnvVarsBody,
  type SyncEnvVarsFunction,
  type SyncEnvVarsParams,
  syncEnvVars,
} from "./sync-env-vars.ts";
