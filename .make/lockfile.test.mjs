import { expect, test } from "vitest";
import { missingEntries } from "./lockfile.mjs";

const tool = {
  version: "2.0.0",
  dev: true,
  license: "MIT",
  optionalDependencies: { "@tool/cli-darwin-arm64": "2.0.0", "@tool/cli-linux-x64-musl": "2.0.0" },
};

test("optional packages of other platforms are completed from their names", () => {
  expect(missingEntries({ "node_modules/tool": tool })).toEqual({
    "node_modules/@tool/cli-darwin-arm64": {
      version: "2.0.0",
      cpu: ["arm64"],
      dev: true,
      license: "MIT",
      optional: true,
      os: ["darwin"],
    },
    "node_modules/@tool/cli-linux-x64-musl": {
      version: "2.0.0",
      cpu: ["x64"],
      dev: true,
      libc: ["musl"],
      license: "MIT",
      optional: true,
      os: ["linux"],
    },
  });
});

test("what is there is left as it is, beside the package or above it", () => {
  const packages = {
    "sdk/node_modules/tool": tool,
    "sdk/node_modules/@tool/cli-darwin-arm64": { version: "2.0.0" },
    "node_modules/@tool/cli-linux-x64-musl": { version: "2.0.0" },
  };
  expect(missingEntries(packages)).toEqual({});
});
