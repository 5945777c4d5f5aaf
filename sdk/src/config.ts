import type { BuildOptions } from "esbuild";
import type { BuildExtension } from "./build/extension.ts";
import type { CheckpointOption } from "./contract/checkpoint-option.ts";
import type { ImagePlatform } from "./contract/image-layout.ts";
import type { MachineOption } from "./contract/machine-presets.ts";
import type { RetryOptions } from "./contract/retry.ts";

/** What a project's `gantry.config.ts` says. Every option has a default, so an empty object is a valid configuration. */
export interface GantryConfig {
  /** The project's ref: lower-case letters, digits and dashes. Default: the name in package.json. */
  project?: string;
  /** Folders with task files, relative to the project. Default: `./tasks`, `./trigger`, `./src/tasks`, `./src/trigger`. */
  dirs?: string[];
  /** Globs (relative to the project) of files in `dirs` that are no task files. `*.test.*` and `*.spec.*` never are. */
  ignorePatterns?: string[];
  retries?: {
    /**
     * Whether failed attempts are tried again under `gantry dev`. Not set: only where the task or `default` says so;
     * false: never, a failure is seen at once.
     */
    enabledInDev?: boolean;
    /** The retry policy of tasks that have none of their own. */
    default?: RetryOptions;
  };
  /** Compute seconds a run may take; tasks may set their own. Default: no limit. */
  maxDuration?: number;
  /** Machine preset of tasks that name none. Default `small-1x`. */
  machine?: MachineOption;
  /** What becomes of workers whose run waits, where the task does not say; see the task's option. Default `"auto"`. */
  checkpoint?: CheckpointOption;
  /** Lets one process run several runs, one after another. Default false: each run gets a process of its own. */
  processKeepAlive?: boolean | { enabled: boolean };
  build?: {
    /**
     * Packages that are not bundled but loaded from node_modules; a deploy installs them into the image. Packages with
     * native code need not be listed.
     */
    external?: (string | RegExp)[];
    /** Whether packages with native code are found and left outside the bundle. Default true. */
    autoDetectExternal?: boolean;
    /** Export conditions, besides esbuild's for Node. */
    conditions?: string[];
    /** Plugins of esbuild. */
    plugins?: NonNullable<BuildOptions["plugins"]>;
    /** Steps of the build, from `@gantry/sdk/build`; Trigger.dev's extensions work too. */
    extensions?: BuildExtension[];
    /** Packages outside of the bundle that work without their install script: a deploy does not run any. */
    pure?: string[];
    /** An image that deploys build on instead of the platform's worker image; it must be made from that one. */
    baseImage?: string;
    /** What images are built for. Default: what the platform says. */
    platforms?: ImagePlatform[];
  };
  /** Whether `@trigger.dev/sdk` and `@trigger.dev/sdk/v3` in task files mean `@gantry/sdk`. Default true. */
  compat?: boolean;
  /** The least severe level of `logger` that is kept. Default: all are. */
  logLevel?: "none" | "error" | "warn" | "info" | "debug" | "log";
}

/** Types a configuration; returns it as it is. */
export function defineConfig(config: GantryConfig): GantryConfig {
  return config;
}
