/** What is known of an installed package that has an install script. */
export interface ScriptedPackage {
  name: string;
  version: string;
  /** The script's text, or `node-gyp rebuild` where a binding.gyp implies it. */
  script: string;
  /** One of its optional platform packages is installed: the script would only have checked, or fetched, that. */
  hasPlatformPackage: boolean;
  /** It carries a binary for the image's platform. */
  hasPrebuild: boolean;
}

export type ScriptVerdict =
  | { isNeeded: false; reason: "NAMED_PURE" | "KNOWN_HARMLESS" | "PLATFORM_PACKAGE" | "PREBUILT" }
  | { isNeeded: true; reason: "MAY_BUILD_SOMETHING" };

/** Packages whose script prints a message, or makes what a bundle does not use. */
const HARMLESS = new Set([
  "@apollo/protobufjs",
  "@prisma/client",
  "core-js",
  "core-js-pure",
  "es5-ext",
  "pdfkit",
  "protobufjs",
  "styled-components",
]);

/** Whether a package that was installed without its script can be expected to work. Pure. */
export function scriptVerdict(found: ScriptedPackage, pure: readonly string[]): ScriptVerdict {
  if (pure.includes(found.name)) return { isNeeded: false, reason: "NAMED_PURE" };
  if (HARMLESS.has(found.name)) return { isNeeded: false, reason: "KNOWN_HARMLESS" };
  if (found.hasPlatformPackage) return { isNeeded: false, reason: "PLATFORM_PACKAGE" };
  if (found.hasPrebuild) return { isNeeded: false, reason: "PREBUILT" };
  return { isNeeded: true, reason: "MAY_BUILD_SOMETHING" };
}
