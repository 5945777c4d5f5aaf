import { expect, test } from "vitest";
import { cpuFlags, nodeFeatures } from "./node-features.ts";

test.each<[string, string, string[]]>([
  [
    "x86",
    "processor\t: 0\nflags\t\t: sse2 avx fpu\nbugs\t\t: none\n\nprocessor\t: 1\nflags\t\t: sse2\n",
    ["avx", "fpu", "sse2"],
  ],
  ["ARM", "processor\t: 0\nFeatures\t: fp asimd fp\n", ["asimd", "fp"]],
  ["a system that does not say", "", []],
])("what the processor can do is read on %s", (_system, cpuinfo, want) => {
  expect(cpuFlags(cpuinfo)).toEqual(want);
});

test("a node has the name that it was told", async () => {
  expect(await nodeFeatures("node-1")).toMatchObject({ node: "node-1", arch: process.arch });
});
