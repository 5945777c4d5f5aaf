import { describe, expect, test } from "vitest";
import { encodePayload, parseJsonText, safeUrl, toJsonText } from "./shown-value.ts";

describe("an address", () => {
  const cases: Record<string, { text: string; want: string | undefined }> = {
    "of the web is a link": { text: "https://example.com/a?b", want: "https://example.com/a?b" },
    "that runs is none": { text: "javascript:alert(1)", want: undefined },
    "that only looks like one is none": { text: "http://", want: undefined },
    "with a script in front is none": { text: "javascript://https://x", want: undefined },
    "of data is none": { text: "data:text/html,<script>", want: undefined },
  };
  test.each(Object.entries(cases))("%s", (_, { text, want }) => {
    expect(safeUrl(text)).toBe(want);
  });
});

describe("an edited payload", () => {
  const meta = { v: 1, values: { at: ["Date"], "list.0": ["bigint"], "a\\.b": ["Date"] } };
  const cases: Record<string, { value: unknown; meta?: unknown; want: object }> = {
    "is plain JSON where it was": { value: { a: 1 }, want: { payload: '{"a":1}', payloadType: "application/json" } },
    "without a value is empty": { value: undefined, want: { payload: "", payloadType: "application/json" } },
    "keeps what restores the values that are still there": {
      value: { at: "2026-01-01", "a.b": "2026-01-02" },
      meta,
      want: {
        payload:
          '{"json":{"at":"2026-01-01","a.b":"2026-01-02"},"meta":{"v":1,"values":{"at":["Date"],"a\\\\.b":["Date"]}}}',
        payloadType: "application/super+json",
      },
    },
    "is plain once none of them is": {
      value: { list: [] },
      meta,
      want: { payload: '{"list":[]}', payloadType: "application/json" },
    },
    "that is such a value itself stays one": {
      value: [["a", 1]],
      meta: { values: ["map"] },
      want: { payload: '{"json":[["a",1]],"meta":{"values":["map"]}}', payloadType: "application/super+json" },
    },
  };
  test.each(Object.entries(cases))("%s", (_, { value, meta, want }) => {
    expect(encodePayload(value, meta)).toEqual(want);
  });
});

test("text of an editor is a value, nothing, or a complaint", () => {
  expect(parseJsonText('{"a": 1}')).toEqual({ ok: true, value: { a: 1 } });
  expect(parseJsonText("  ")).toEqual({ ok: true, value: undefined });
  expect(parseJsonText("{")).toMatchObject({ ok: false });
  expect([toJsonText({ a: 1 }), toJsonText(undefined)]).toEqual(['{\n  "a": 1\n}', ""]);
});
