import { expect, test } from "vitest";
import { renderReport } from "./table.ts";

test("a report shows each system's median, whether the goal was met, and the machine", () => {
  const text = renderReport({
    machine: {
      cpu: "Chip",
      cores: 2,
      memoryGb: 4,
      kernel: "linux 6",
      node: "24.0.0",
      fsyncMs: 0.5,
      loadBefore: 0.1,
      commit: "abc",
      postgres: "18",
    },
    rows: [
      {
        row: { id: "single", what: "triggers/s", goal: "≥ 2,000" },
        result: {
          figures: [
            { system: "Gantry", value: 2345.6 },
            { system: "pg-boss", value: 999.4, note: "in process" },
          ],
          unit: "/s",
          isMet: true,
          verdict: "2.35×",
          notes: ["paused"],
        },
      },
      { row: { id: "warm", what: "runs/s", goal: "≥ 2,000" }, result: undefined, failure: "no platform\nstack" },
    ],
    remarks: ["BullMQ was left out."],
    seconds: 12.3,
  });
  expect(text).toBe(
    [
      "| what | goal | Gantry | pg-boss | verdict |",
      "| --- | --- | --- | --- | --- |",
      "| triggers/s | ≥ 2,000 | 2,346 /s | 999 /s | met; 2.35× |",
      "| runs/s | ≥ 2,000 | – | – | failed: no platform |",
      "",
      "Machine: 2 × Chip, 4 GB, linux 6, Node 24.0.0, Postgres 18, fdatasync 0.5 ms, load before 0.1; commit abc; 12 s in all.",
      "- pg-boss: in process.",
      "- single: paused",
      "- BullMQ was left out.",
    ].join("\n"),
  );
});
