import type { LaneAnnouncement } from "../runs/run-store.ts";
import type { BusMessage } from "./bus.ts";

/** Lanes in one message at most: some 5 KB of JSON. */
const LANES = 50;
/** Runs in one message at most: some 5 KB of JSON. */
const RUNS = 150;
/** Environments in one message at most. */
const ENVIRONMENTS = 500;

/** Messages as few: one for all of an environment's lanes or runs (with a limit to each), nothing said twice. */
export function coalesced(messages: readonly BusMessage[]): BusMessage[] {
  const lanes = new Map<number, Map<string, LaneAnnouncement>>();
  const runs = { touched: new Map<number, Set<string>>(), streamed: new Map<number, Set<string>>() };
  const others = new Map<string, BusMessage>();
  for (const message of messages) {
    if (message.type === "wake") {
      const known = lanes.get(message.environmentId) ?? new Map<string, LaneAnnouncement>();
      lanes.set(message.environmentId, known);
      for (const lane of message.lanes ?? []) known.set(lane.laneId, earlier(known.get(lane.laneId), lane));
    } else if (message.type === "touched" || message.type === "streamed") {
      const known = runs[message.type].get(message.environmentId) ?? new Set<string>();
      runs[message.type].set(message.environmentId, known);
      for (const runId of message.runIds) known.add(runId);
    } else others.set(JSON.stringify(message), message);
  }
  return [
    ...others.values(),
    ...[...lanes].flatMap(([environmentId, known]) => wakes(environmentId, [...known.values()])),
    ...[...runs.touched].flatMap(([environmentId, known]) => ofRuns("touched", environmentId, [...known])),
    ...[...runs.streamed].flatMap(([environmentId, known]) => ofRuns("streamed", environmentId, [...known])),
  ];
}

function ofRuns(type: "touched" | "streamed", environmentId: number, runIds: string[]): BusMessage[] {
  return sliced(runIds, RUNS).map((some) => ({ type, environmentId, runIds: some }));
}

/** What a replica watches, in messages of a fair size. */
export function watchingMessages(environmentIds: readonly number[]): BusMessage[] {
  return sliced(environmentIds, ENVIRONMENTS).map((some) => ({ type: "watching", environmentIds: some }));
}

function sliced<T>(items: readonly T[], size: number): T[][] {
  const slices: T[][] = [];
  for (let at = 0; at < items.length; at += size) slices.push(items.slice(at, at + size));
  return slices;
}

function earlier(known: LaneAnnouncement | undefined, next: LaneAnnouncement): LaneAnnouncement {
  if (known?.orderAt === undefined) return next;
  return next.orderAt === undefined || known.orderAt <= next.orderAt ? known : next;
}

function wakes(environmentId: number, lanes: LaneAnnouncement[]): BusMessage[] {
  if (lanes.length === 0) return [{ type: "wake", environmentId }];
  return sliced(lanes, LANES).map((some) => ({ type: "wake", environmentId, lanes: some }));
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
  if (message.type === "sessions")
    return typeof message.userId === "string" && (message.sessionIds === undefined || isTexts(message.sessionIds));
  if (message.type === "watching") return Array.isArray(message.environmentIds);
  if (!Number.isInteger(message.environmentId)) return false;
  return message.type === "touched" || message.type === "streamed"
    ? Array.isArray(message.runIds)
    : message.type === "wake" || message.type === "changed";
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}
