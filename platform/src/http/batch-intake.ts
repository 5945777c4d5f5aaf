import type { IncomingMessage } from "node:http";
import { type BatchItemsReply, type BatchLine, batchLineSchema, type Limits } from "@gantry/sdk/contract";
import { didYouMean } from "../did-you-mean.ts";
import { AppError } from "../errors.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import type { BatchDetail, TriggerRequest, TriggerResult } from "../runs/run.ts";
import type { Identity } from "./authenticate.ts";
import { parseJson, refuseEncoding } from "./body.ts";
import type { Edge } from "./edge.ts";
import { readLines } from "./ndjson.ts";
import { applyCaller, resolvePayload, triggerContext } from "./routes/trigger.ts";
import { toTriggerRequest } from "./trigger-request.ts";
import { parse } from "./validation-error.ts";

/** What is collected before it is triggered: so many items, or so many bytes of payload. */
const CHUNK_ITEMS = 1000;
const CHUNK_BYTES = 2 * 1024 * 1024;

type Item = { index: number; request: TriggerRequest };
type ItemResult = { index: number } & ({ result: TriggerResult } | { error: AppError });

interface Intake {
  req: IncomingMessage;
  identity: Identity;
  environment: EnvironmentRef;
  batch: BatchDetail;
  /** Errors: FORBIDDEN. */
  allowTask(task: string): void;
}

/**
 * Adds a stream of items to a batch, and seals it once all have come. The client is read no faster than runs are made.
 *
 * Errors: of a bad line, with its number; what came before it stays, and sending all again repeats nothing.
 */
export async function addStream(edge: Edge, intake: Intake): Promise<BatchItemsReply> {
  const { req, environment, batch } = intake;
  refuseEncoding(req);
  const limits = await edge.limits.get(environment);
  const known = new Set<string>();
  const seen = new Set<number>();
  let accepted = 0;
  let deduplicated = 0;
  let chunk: Item[] = [];
  let chunkBytes = 0;
  const flush = async () => {
    const results = chunk.length === 0 ? [] : await edge.deps.runs.addToBatch(environment, batch.id, chunk);
    for (const result of results) {
      if ("result" in result && result.result.isCached) deduplicated += 1;
      else accepted += 1;
    }
    chunk = [];
    chunkBytes = 0;
  };
  for await (const { number, bytes } of readLines(
    req as AsyncIterable<Buffer>,
    limits.payloadBytes * 2 + 1024 * 1024,
  )) {
    const line = readLine(bytes, number, batch.runCount);
    if (!known.has(line.task)) {
      intake.allowTask(line.task);
      known.add(line.task);
    }
    if (seen.has(line.index)) continue;
    seen.add(line.index);
    if (batch.sealed) {
      deduplicated += 1;
      continue;
    }
    const item = await toItem(edge, intake, line, limits, number);
    chunk.push(item);
    chunkBytes += item.request.payload.data.length;
    if (chunk.length >= CHUNK_ITEMS || chunkBytes >= CHUNK_BYTES) await flush();
  }
  if (seen.size === 0) throw new AppError("VALIDATION_FAILED", "The body has no items.");
  await flush();
  return finish(edge, intake, seen.size, accepted, deduplicated);
}

async function finish(
  edge: Edge,
  { environment, batch }: Intake,
  seen: number,
  itemsAccepted: number,
  itemsDeduplicated: number,
): Promise<BatchItemsReply> {
  const reply = { id: batch.id, itemsAccepted, itemsDeduplicated };
  if (batch.sealed) return { ...reply, sealed: true };
  const enqueuedCount = seen === batch.runCount ? seen : await countItems(edge, environment, batch.id);
  if (enqueuedCount < batch.runCount) return { ...reply, sealed: false, enqueuedCount, expectedCount: batch.runCount };
  await edge.deps.runs.sealBatch(environment, batch.id);
  return { ...reply, sealed: true };
}

async function countItems(edge: Edge, environment: EnvironmentRef, batchId: string): Promise<number> {
  const batch = await edge.deps.runs.retrieveBatch(environment, batchId);
  return batch === undefined ? 0 : batch.runIds.length + batch.failures.length;
}

function readLine(bytes: Buffer, number: number, runCount: number): BatchLine {
  const line = atLine(number, () => parse(batchLineSchema, parseJson(bytes), "line"));
  if (line.index < runCount) return line;
  throw new AppError("TOO_MANY_ITEMS", `Line ${number}: index ${line.index} is beyond the batch's ${runCount} items.`, {
    details: { line: number },
  });
}

async function toItem(edge: Edge, intake: Intake, line: BatchLine, limits: Limits, number: number): Promise<Item> {
  const context = { limits, nowMs: edge.deps.clock.now(), machines: edge.machines };
  const request = atLine(number, () => toTriggerRequest(line.task, line, context));
  applyCaller(request, intake.identity);
  await resolvePayload(edge, intake.environment, request);
  return { index: line.index, request };
}

/** Says on which line an error was. */
function atLine<T>(number: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError(error.code, `Line ${number}: ${error.message}`, { details: { ...error.details, line: number } });
  }
}

/** All items of one body as requests. Errors: of the first bad one. */
export async function collectItems(
  edge: Edge,
  identity: Identity,
  environment: EnvironmentRef,
  lines: readonly BatchLine[],
): Promise<Item[]> {
  const context = await triggerContext(edge, environment);
  const items: Item[] = [];
  for (const line of lines) {
    const request = toTriggerRequest(line.task, line, context);
    applyCaller(request, identity);
    await resolvePayload(edge, environment, request);
    items.push({ index: line.index, request });
  }
  return items;
}

export async function triggerItems(
  edge: Edge,
  environment: EnvironmentRef,
  batchId: string,
  items: Item[],
): Promise<ItemResult[]> {
  const results: ItemResult[] = [];
  for (let at = 0; at < items.length; at += CHUNK_ITEMS) {
    results.push(...(await edge.deps.runs.addToBatch(environment, batchId, items.slice(at, at + CHUNK_ITEMS))));
  }
  return results;
}

/**
 * Refuses a batch of tasks that the current version lacks before anything is made. Without any version there is nothing
 * to compare with: its runs wait as PENDING_VERSION.
 *
 * Errors: TASK_NOT_FOUND, with "did you mean".
 */
export async function requireTasks(edge: Edge, environment: EnvironmentRef, tasks: readonly string[]): Promise<void> {
  if (tasks.length === 0) return;
  const current = await edge.deps.deployments.current(environment);
  if (current === undefined) return;
  const known = new Set(current.manifest.tasks.map(({ id }) => id));
  const missing = tasks.find((task) => !known.has(task));
  if (missing === undefined) return;
  const near = didYouMean(missing, known);
  throw new AppError(
    "TASK_NOT_FOUND",
    `The version ${current.version} has no task "${missing}"${near === undefined ? "." : `; did you mean "${near}"?`}`,
    {
      details: { task: missing, version: current.version },
    },
  );
}
