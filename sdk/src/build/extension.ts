import type { Plugin } from "esbuild";

/** `dev` builds run on this machine; `deploy` builds become an image. */
export type BuildTarget = "dev" | "deploy";

/**
 * A step of a project's build, listed in `build.extensions` of gantry.config.ts. The interface is that of Trigger.dev's
 * extensions: theirs work here, and these there.
 */
export interface BuildExtension {
  name: string;
  /** Packages that are not bundled. */
  externalsForTarget?: (target: BuildTarget) => string[] | undefined;
  /** Before the code is bundled: the place for plugins and packages. */
  onBuildStart?: (context: BuildContext) => Promise<void> | void;
  /** After the code was bundled: the place for files, variables and what the image needs. */
  onBuildComplete?: (context: BuildContext, manifest: BuildManifest) => Promise<undefined | void> | undefined | void;
}

export interface BuildContext {
  target: BuildTarget;
  config: BuildConfig;
  /** The project's folder, absolute. */
  workingDir: string;
  logger: BuildLogger;
  addLayer(layer: BuildLayer): void;
  registerPlugin(plugin: Plugin, options?: RegisterPluginOptions): void;
  /** The file that `import(path)` means in the project; undefined where there is none. */
  resolvePath(path: string): Promise<string | undefined>;
}

/** The project's configuration as extensions see it. */
export interface BuildConfig {
  project: string;
  dirs: string[];
  build: { external: (string | RegExp)[]; conditions: string[] };
  [option: string]: unknown;
}

/** What an extension adds to the build. */
export interface BuildLayer {
  /** Later layers of one id replace earlier ones. */
  id: string;
  /** Shell commands, run as root while the image is built, after `image`. */
  commands?: string[];
  image?: {
    /** Debian packages. */
    pkgs?: string[];
    /** Lines of a Dockerfile, run as root. */
    instructions?: string[];
  };
  /** Variables while `commands` and `instructions` run. */
  build?: { env?: Record<string, string | undefined> };
  /**
   * Variables of runs. A layer that changes the image sets them in it; others are uploaded to the environment, where
   * `override: false` keeps a value that is there already.
   */
  deploy?: {
    env?: Record<string, string | undefined>;
    secretEnv?: Record<string, string | undefined>;
    parentEnv?: Record<string, string | undefined>;
    secretParentEnv?: Record<string, string | undefined>;
    override?: boolean;
  };
  /** npm packages, name to version, that are installed beside the bundle. */
  dependencies?: Record<string, string>;
  /** Export conditions for the bundler. Only in `onBuildStart`. */
  conditions?: string[];
}

export interface RegisterPluginOptions {
  /** Only for that target. Default: for both. */
  target?: BuildTarget;
  /** Before the project's own plugins or after them. Default `first`. */
  placement?: "first" | "last";
}

export interface BuildLogger {
  debug: (...args: unknown[]) => void;
  log: (...args: unknown[]) => void;
  warn: (...args: unknown[]) => void;
  progress: (message: string) => void;
  spinner: (message: string) => { stop: (message: string, code?: number) => void; message: (message: string) => void };
}

/** What has been built. */
export interface BuildManifest {
  target: BuildTarget;
  /** Of the bundle. */
  contentHash: string;
  /** The environment's slug: `dev`, `staging`, `prod`. */
  environment: string;
  branch?: string;
  runtime: "node";
  config: { project: string; dirs: string[] };
  /** Files put here lie in the folder in which runs start. */
  outputPath: string;
  externals: { name: string; version: string }[];
  build: { env?: Record<string, string> };
  /** The variables of the environment that is deployed to. */
  deploy: { env?: Record<string, string> };
  [fact: string]: unknown;
}
