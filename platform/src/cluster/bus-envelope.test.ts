import fc from "fast-check";
import { expect, test } from "vitest";
import type { BusMessage } from "./bus.ts";
import { coalesced, openEnvelope, sealEnvelopes } from "./bus-envelope.ts";

const lane = (laneId: string, orderAt?: string) => ({ environmentId: 1, laneId, orderAt });

test("wakes of one environment become one, each lane from its earliest run on", () => {
  const messages: BusMessage[] = [
    { type: "wake", environmentId: 1, lanes: [lane("a", "5"), lane("b")] },
    { type: "wake", environmentId: 1, lanes: [lane("a", "3"), lane("b", "9")] },
    { type: "wake", environmentId: 1, lanes: [lane("a")] },
    { type: "wake", environmentId: 2 },
    { type: "wake", environmentId: 2 },
    { type: "changed", environmentId: 1 },
    { type: "changed", environmentId: 1 },
  ];
  expect(coalesced(messages)).toEqual([
    { type: "changed", environmentId: 1 },
    { type: "wake", environmentId: 1, lanes: [lane("a", "3"), lane("b", "9")] },
    { type: "wake", environmentId: 2 },
  ]);
});

test("no envelope is longer than it may be, and together they hold every message", () => {
  const message = fc.record({
    type: fc.constant("tellWorker" as const),
    executionId: fc.uuid(),
    what: fc.constantFrom("cancel" as const, "drop" as const),
    reason: fc.string({ unit: "grapheme", maxLength: 40 }),
  });
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 60 }), (messages) => {
      const texts = sealEnvelopes("me", messages, 1_000);
      for (const text of texts) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1_000);
      expect(texts.flatMap((text) => openEnvelope(text, "other"))).toEqual(messages);
    }),
  );
});

test.each([
  ["one's own", '{"from":"me","messages":[{"type":"changed","environmentId":1}]}'],
  ["no JSON", "{"],
  ["no messages", '{"from":"you"}'],
  ["a kind of a later release", '{"from":"you","messages":[{"type":"later"},null,3]}'],
  ["an environment that is none", '{"from":"you","messages":[{"type":"wake","environmentId":"1"}]}'],
])("an envelope holds nothing for me where it is %s", (_title, text) => {
  expect(openEnvelope(text, "me")).toEqual([]);
});
