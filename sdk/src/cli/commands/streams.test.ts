import { describe, expect, test } from "vitest";
import { cli } from "../../../test/support/fake-terminal.ts";

const STREAM = {
  id: "answer",
  direction: "output",
  chunks: 3,
  bytes: 2048,
  isEnded: false,
  createdAt: "2026-01-01T11:00:00.000Z",
  updatedAt: "2026-01-01T11:00:00.000Z",
};
const AT = "2026-01-01T11:00:00.000Z";

describe("gantry streams", () => {
  test("list shows each stream with its size", async () => {
    const { out, requests } = await cli(["streams", "list", "run_1"], { answer: () => ({ body: { data: [STREAM] } }) });
    expect(out.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
      ["STREAM", "DIRECTION", "CHUNKS", "SIZE", "WRITTEN"],
      ["answer", "output", "3", "2 KB", "open", "1h ago"],
    ]);
    expect(requests[0]?.path).toBe("/api/v1/runs/run_1/streams");
  });

  const READS: Record<string, { argv: string[]; data: unknown[]; want: string }> = {
    "text as it comes": { argv: [], data: ["Hel", "lo\nwor", "ld"], want: "Hello\nworld" },
    "other values as lines": { argv: [], data: ["a", { b: 1 }, 2], want: 'a\n{"b":1}\n2' },
    "chunks with --json": {
      argv: ["--json"],
      data: ["a"],
      want: JSON.stringify({ index: 0, data: "a", at: AT }),
    },
  };
  test.each(Object.entries(READS))("read prints %s", async (_title, { argv, data, want }) => {
    const chunks = data.map((value, index) => ({ index, data: JSON.stringify(value), at: AT }));
    const lines = [...chunks, { next: chunks.length, isEnded: true }].map((line) => JSON.stringify(line));
    const { out, requests } = await cli(["streams", "read", "run_1", "answer", "--from", "0", ...argv], {
      answer: () => ({ text: `${lines.join("\n")}\n` }),
    });
    expect(out).toBe(want);
    expect(requests[0]?.path).toBe("/realtime/v1/streams/run_1/answer?from=0&timeoutInSeconds=600");
  });

  test("send takes JSON, and anything else as text", async () => {
    for (const [text, data] of [
      ['{"ok":true}', { ok: true }],
      ["yes, please", "yes, please"],
    ]) {
      const { out, requests } = await cli(["streams", "send", "run_1", "approval", String(text)], {
        answer: () => ({ body: { ok: true, index: 4 } }),
      });
      expect(out).toBe("Sent: message 4 of approval.");
      expect(requests[0]).toMatchObject({
        method: "POST",
        path: "/realtime/v1/streams/run_1/input/approval",
        body: { data },
      });
    }
  });
});
