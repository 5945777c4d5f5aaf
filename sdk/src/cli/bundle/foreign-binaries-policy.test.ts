import { expect, test } from "vitest";
import { foreignBinariesRemedy } from "./foreign-binaries-policy.ts";

const FOREIGN = {
  "sharp without its platform's package": 'Could not load the "sharp" module using the linux-x64 runtime',
  "a Mac's binary on Linux": "/app/node_modules/x/build/Release/x.node: invalid ELF header",
  "a Linux binary on a Mac": "dlopen(/x.node, 0x0001): tried: '/x.node' (not a mach-o file)",
  "another processor's binary": "dlopen(x.node): incompatible architecture (have 'x86_64', need 'arm64')",
  "a platform package that is not installed": "Cannot find module '@swc/core-linux-x64-gnu'\nRequire stack:",
  "napi-rs' own words": "Cannot find native binding. npm has a bug related to optional dependencies",
  "Alpine's node_modules on Debian": "Error loading shared library ld-linux-x86-64.so.2: No such file",
};
test.each(Object.entries(FOREIGN))("%s is recognised", (_sentence, message) => {
  expect(foreignBinariesRemedy(message, "linux-x64")).toContain("(linux-x64)");
});

const OTHER = ["Cannot find module './prices'", "no DATABASE_URL", "Cannot find package 'left-pad' imported from x"];
test.each(OTHER)("%s is another error", (message) => {
  expect(foreignBinariesRemedy(message, "linux-x64")).toBeUndefined();
});
