import { expect, test } from "vitest";
import { parsePostmasterFile } from "./postmaster-file.ts";

const ready = "4711\n/data\n1760000000\n54329\n\n127.0.0.1\n   123456     3\nready   \n";

const cases: Record<string, { text: string; want: ReturnType<typeof parsePostmasterFile> }> = {
  "a server that accepts connections": { text: ready, want: { pid: 4711, port: 54329, isReady: true } },
  "a server that is starting": {
    text: ready.replace("ready   ", "starting"),
    want: { pid: 4711, port: 54329, isReady: false },
  },
  "a file that is being written": { text: "4711\n", want: { pid: 4711, port: 0, isReady: false } },
  "an empty file": { text: "", want: undefined },
};

test.each(Object.entries(cases))("postmaster.pid of %s is understood", (_sentence, { text, want }) => {
  expect(parsePostmasterFile(text)).toEqual(want);
});
