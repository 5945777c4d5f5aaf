import type { LaneAnnouncement } from "../runs/run-store.ts";
import type { BusMessage } from "./bus.ts";

/** Lanes in one message at most: some 5 KB of JSON. */
const LANES = 50;

/** Messages as few: one wake for all of an environment's lanes (at most 50 in each), nothing said twice. */
export function coalesced(messages: readonly BusMessage[]): BusMessage[] {
  const lanes = new Map<number, Map<string, LaneAnnouncement>>();
  const others = new Map<string, BusMessage>();
  for (const message of messages) {
    if (message.type !== "wake") {
      others.set(JSON.stringify(message), message);
      continue;
    }
    const known = lanes.get(message.environmentId) ?? new Map<string, LaneAnnouncement>();
    lanes.set(message.environmentId, known);
    for (const lane of message.lanes ?? []) known.set(lane.laneId, earlier(known.get(lane.laneId), lane));
  }
  return [
    ...others.values(),
    ...[...lanes].flatMap(([environmentId, known]) => wakes(environmentId, [...known.values()])),
  ];
}

function earlier(known: LaneAnnouncement | undefined, next: LaneAnnouncement): LaneAnnouncement {
  if (known?.orderAt === undefined) return next;
  return next.orderAt === undefined || known.orderAt <= next.orderAt ? known : next;
}

function wakes(environmentId: number, lanes: LaneAnnouncement[]): BusMessage[] {
  if (lanes.length === 0) return [{ type: "wake", environmentId }];
  const messages: BusMessage[] = [];
  for (let at = 0; at < lanes.length; at += LANES)
    messages.push({ type: "wake", environmentId, lanes: lanes.slice(at, at + LANES) });
  return messages;
}

/** Texts of `{from, messages}` in JSON, none longer than `maxBytes` unless one message alone is. */
export function sealEnvelopes(from: string, messages: readonly BusMessage[], maxBytes: number): string[] {
  const frame = `{"from":${JSON.stringify(from)},"messages":[`;
  const texts: string[] = [];
  let parts: string[] = [];
  let bytes = 0;
  for (const message of messages) {
    const part = JSON.stringify(message);
    const size = Buffer.byteLength(part) + 1;
    if (parts.length > 0 && frame.length + bytes + size + 2 > maxBytes) {
      texts.push(`${frame}${parts.join(",")}]}`);
      parts = [];
      bytes = 0;
    }
    parts.push(part);
    bytes += size;
  }
  if (parts.length > 0) texts.push(`${frame}${parts.join(",")}]}`);
  return texts;
}

/** The messages of another replica; none where they are one's own, or nothing that this release understands. */
export function openEnvelope(text: string, self: string): BusMessage[] {
  try {
    const { from, messages } = JSON.parse(text) as { from?: unknown; messages?: unknown };
    return from !== self && Array.isArray(messages) ? messages.filter(isMessage) : [];
  } catch {
    return [];
  }
}

function isMessage(value: unknown): value is BusMessage {
  const message = value as Partial<Record<string, unknown>> | null;
  if (typeof message !== "object" || message === null) return false;
  if (message.type === "tellWorker") return typeof message.executionId === "string";
  return (message.type === "wake" || message.type === "changed") && Number.isInteger(message.environmentId);
}
