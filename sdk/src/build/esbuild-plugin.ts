import type { Plugin } from "esbuild";
import type { BuildExtension, RegisterPluginOptions } from "./extension.ts";

/** Adds a plugin of esbuild to the build. */
export function esbuildPlugin(plugin: Plugin, options: RegisterPluginOptions = {}): BuildExtension {
  return {
    name: plugin.name,
    onBuildStart: ({ registerPlugin }) => registerPlugin(plugin, options),
  };
}
