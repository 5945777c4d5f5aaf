/**
 * Streams of a run: ordered chunks, each a JSON value with an index from 0 without gaps. `output` streams are written by the run
 * (or with a key), `input` streams are messages to it; each direction has names of its own.
 *
 * A stream begins with its first chunk; a reader that comes earlier waits for it. It ends when its run ends, or earlier where its
 * producer says so. A chunk is durable before the reply to its append, and never changes.
 */
import { z } from "zod";
import { delaySchema, durationSchema, idempotencyKeySchema, instantSchema, tagsSchema, text } from "./scalars.ts";
import { waitpointIdSchema } from "./waitpoints.ts";

export const STREAM_DIRECTIONS = ["output", "input"] as const;
export type StreamDirection = (typeof STREAM_DIRECTIONS)[number];

/** Chunks of one append at most. */
export const STREAM_APPEND_CHUNKS = 1000;
/** A read without a new chunk for so long ends, unless the query says otherwise. Seconds. */
export const STREAM_READ_TIMEOUT_SECONDS = 60;

export const streamNameSchema = text(128, 1)
  .refine((name) => !name.includes("/"), "may not contain a slash")
  .describe("The stream's id, as in `streams.define({ id })`.");

/**
 * `POST /realtime/v1/streams/{runId}/{stream}`. One request of a producer at a time. One that is sent again is stored once: the
 * platform knows how many chunks each producer has stored, passes over those that it has, and says STREAM_DIVERGED (409) where
 * they differ from what is stored.
 */
export const appendStreamBodySchema = z
  .strictObject({
    producer: text(200, 1).describe(
      "Who writes: any text that is unique within the stream. Its chunks are numbered apart.",
    ),
    sequence: z.int().min(0).describe("How many chunks of this producer come before the first of `chunks`."),
    chunks: z.array(z.unknown()).max(STREAM_APPEND_CHUNKS).describe("JSON values, in order."),
    attempt: z.int().min(1).max(32_767).optional().describe("The attempt of the run that writes."),
    end: z.boolean().optional().describe("The stream ends after these chunks."),
  })
  .meta({ id: "AppendStream" });
export type AppendStreamBody = z.infer<typeof appendStreamBodySchema>;

export const appendStreamReplySchema = z.object({
  next: z.int().describe("The index that the stream's next chunk will have."),
  sequence: z
    .int()
    .describe("How many chunks of this producer are stored: what it sends next begins there, or before."),
  isEnded: z.boolean(),
});
export type AppendStreamReply = z.infer<typeof appendStreamReplySchema>;

/**
 * `GET /realtime/v1/streams/{runId}/{stream}` and `GET /realtime/v1/streams/{runId}/input/{stream}`: NDJSON, one StreamChunk
 * (contract/realtime.ts) a line as it comes; blank lines keep the connection. The last line is a StreamReadEnd: without one the
 * connection was cut, and the reader goes on from the index after the last chunk that it has.
 *
 * With `Accept: text/event-stream` the answer is Trigger.dev's: events `batch` of `{ records: [{ seq_num, body, timestamp }] }`;
 * headers `Last-Event-ID` and `Timeout-Seconds` instead of the query.
 */
export const readStreamQuerySchema = z.strictObject({
  from: z
    .union([z.literal("latest"), z.coerce.number().int().min(0)])
    .default(0)
    .describe("Index of the first chunk wanted, or `latest`: only chunks that come from now on."),
  timeoutInSeconds: z.coerce
    .number()
    .min(0)
    .max(600)
    .default(STREAM_READ_TIMEOUT_SECONDS)
    .describe("Ends when no chunk has come for so long. 0: ends after what is stored."),
});
export type ReadStreamQuery = z.infer<typeof readStreamQuerySchema>;

export interface StreamReadEnd {
  /** Where to read on. */
  next: number;
  /** True: no chunk will follow. False: the time was over. */
  isEnded: boolean;
}

/** `GET /api/v1/runs/{runId}/streams`: oldest first. */
export const streamSummarySchema = z
  .object({
    id: z.string().describe("The stream's name."),
    direction: z.enum(STREAM_DIRECTIONS),
    chunks: z.int().describe("How many it has: the index that the next one will have."),
    bytes: z.int().describe("Of all chunks' JSON."),
    isEnded: z.boolean(),
    createdAt: instantSchema,
    updatedAt: instantSchema.describe("When its last chunk was stored."),
  })
  .meta({ id: "Stream" });
export type StreamSummary = z.infer<typeof streamSummarySchema>;
export const streamListReplySchema = z.object({ data: z.array(streamSummarySchema) });
export type StreamListReply = z.infer<typeof streamListReplySchema>;

/** `POST /realtime/v1/streams/{runId}/input/{stream}`: one message to the run. */
export const sendStreamBodySchema = z
  .strictObject({
    data: z.unknown(),
    id: text(128, 1).optional().describe("A message with the same id is stored once. Clients make one for each send."),
  })
  .meta({ id: "SendStream" });
export type SendStreamBody = z.infer<typeof sendStreamBodySchema>;
export const sendStreamReplySchema = z.object({ ok: z.literal(true), index: z.int().describe("The message's.") });
export type SendStreamReply = z.infer<typeof sendStreamReplySchema>;

/**
 * `POST /api/v1/runs/{runId}/input-streams/wait`: a token that is completed with the next message that no other wait of the
 * stream has taken. Its output is `{ index, data }`.
 */
export const waitStreamBodySchema = z
  .strictObject({
    streamId: streamNameSchema,
    timeout: delaySchema.optional().describe("Then the token is TIMED_OUT. Default: never."),
    idempotencyKey: idempotencyKeySchema.optional(),
    idempotencyKeyTTL: durationSchema.optional(),
    tags: tagsSchema.optional(),
    lastSeqNum: z.int().optional().describe("Of Trigger.dev's clients; not looked at."),
  })
  .meta({ id: "WaitStream" });
export type WaitStreamBody = z.infer<typeof waitStreamBodySchema>;
export const waitStreamReplySchema = z.object({ waitpointId: waitpointIdSchema, isCached: z.boolean() });
export type WaitStreamReply = z.infer<typeof waitStreamReplySchema>;
