import type { RunEventItem } from "@gantry/sdk";
import { describe, expect, test } from "vitest";
import { ansiParts, stripAnsi } from "./ansi.ts";
import { ALL_LINES, countLevels, FilteredLog, type LogLevel, toLogLine } from "./log-model.ts";

const line = (message: string, fields: Partial<RunEventItem> = {}) =>
  toLogLine({ at: new Date(0), attempt: 1, kind: "log", level: "info", message, cursor: "1", ...fields });

describe("escape sequences", () => {
  const cases: Record<string, { text: string; want: ReturnType<typeof ansiParts> }> = {
    "text without any stays whole": { text: "plain <b>", want: [{ text: "plain <b>" }] },
    "colours and weight become parts": {
      text: "\u001b[1;31mbad\u001b[0m rest \u001b[92mgood\u001b[39m.",
      want: [
        { text: "bad", isBold: true, color: "red" },
        { text: " rest " },
        { text: "good", color: "green" },
        { text: "." },
      ],
    },
    "colours by number are left out with their arguments": {
      text: "\u001b[38;5;31mx\u001b[48;2;31;32;33my",
      want: [{ text: "x" }, { text: "y" }],
    },
    "cursor movements, titles and links vanish": {
      text: "\u001b[2K\u001b[1A\u001b]0;title\u0007a\u001b]8;;http://evil\u001b\\link\u001b]8;;\u001b\\",
      want: [{ text: "a" }, { text: "link" }],
    },
    "an unfinished one is not shown": { text: "end\u001b[", want: [{ text: "end" }, { text: "[" }] },
  };
  test.each(Object.entries(cases))("%s", (_, { text, want }) => {
    expect(ansiParts(text)).toEqual(want);
    expect(stripAnsi(text)).toBe(want.map((part) => part.text).join(""));
  });
});

describe("a log that is filtered", () => {
  const lines = [
    line("Started"),
    line("\u001b[32mOrder 42\u001b[0m paid", { level: "log" }),
    line("slow", { level: "warn", data: { orderId: "42" } }),
    line("boom", { level: "error" }),
    line("detail", { level: "trace" }),
  ];
  const cases: Record<string, { levels?: LogLevel[]; text?: string; want: string[] }> = {
    "shows all by default": { want: lines.map(({ message }) => message) },
    "shows the levels that are chosen": { levels: ["warn", "error"], want: ["slow", "boom"] },
    "finds words in messages and their data, in any case": { text: "ORDER", want: [lines[1]?.message ?? "", "slow"] },
    "looks past colours": { text: "order 42 paid", want: [lines[1]?.message ?? ""] },
  };
  test.each(Object.entries(cases))("%s", (_, { levels, text = "", want }) => {
    const filter = { levels: levels === undefined ? ALL_LINES.levels : new Set(levels), text };
    expect(new FilteredLog(filter).update(lines).map(({ message }) => message)).toEqual(want);
  });

  test("looks at new lines only, and at all again where it begins anew", () => {
    const log = new FilteredLog(ALL_LINES);
    const first = log.update(lines.slice(0, 2));
    expect(log.update(lines.slice(0, 2))).toBe(first);
    expect(log.update(lines)).toHaveLength(5);
    expect(log.update(lines.slice(0, 1))).toHaveLength(1);
  });

  test("counts what there is of each level", () => {
    expect(countLevels(lines)).toEqual({ error: 1, warn: 1, info: 2, debug: 1 });
  });
});
