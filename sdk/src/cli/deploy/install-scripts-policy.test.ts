import { expect, test } from "vitest";
import { type ScriptedPackage, scriptVerdict } from "./install-scripts-policy.ts";

const found: ScriptedPackage = {
  name: "found",
  version: "1.0.0",
  script: "node install.js",
  hasPlatformPackage: false,
  hasPrebuild: false,
};

const CASES: Record<string, { found: Partial<ScriptedPackage>; pure?: string[]; wantReason: string }> = {
  "a script of which nothing is known may build something": { found: {}, wantReason: "MAY_BUILD_SOMETHING" },
  "the user's word is taken": { found: {}, pure: ["found"], wantReason: "NAMED_PURE" },
  "the user's word is for that package alone": { found: {}, pure: ["foun"], wantReason: "MAY_BUILD_SOMETHING" },
  "a package whose platform package is installed has its binary": {
    found: { hasPlatformPackage: true },
    wantReason: "PLATFORM_PACKAGE",
  },
  "a package that carries its binary needs no build": { found: { hasPrebuild: true }, wantReason: "PREBUILT" },
  "a script that only prints is known": { found: { name: "core-js" }, wantReason: "KNOWN_HARMLESS" },
};

test.each(Object.entries(CASES))("%s", (_sentence, { found: fields, pure = [], wantReason }) => {
  const verdict = scriptVerdict({ ...found, ...fields }, pure);
  expect(verdict).toEqual({ isNeeded: wantReason === "MAY_BUILD_SOMETHING", reason: wantReason });
});
