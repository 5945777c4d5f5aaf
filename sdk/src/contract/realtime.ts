import type { ListedRun, RunReply } from "./api/runs.ts";

/**
 * What travels over Socket.IO. One socket carries any number of subscriptions, each named by an id of the client's choice.
 *
 * A subscription begins with one `snapshot`, then comes an `update` for whatever differs from what was sent before: the last
 * value wins, and what lies between two values may never be sent. The server sends nothing to a socket whose buffer is not
 * empty; what changed meanwhile is sent once, as it is by then. After a reconnect the client subscribes again with the
 * revisions it has (`since`), and gets in the snapshot what differs.
 */
export const REALTIME_NAMESPACE = "/realtime";
/** Socket.IO's path on the platform's HTTP server. WebSockets only: without them clients poll the REST API. */
export const REALTIME_PATH = "/realtime/socket";
/** A run's changes reach a client at most once in so many milliseconds. */
export const REALTIME_COALESCE_MS = 50;
/** A set shows its newest runs up to this many. */
export const REALTIME_SET_RUNS = 500;

export type RealtimeTarget =
  | { kind: "run"; runId: string }
  /** Runs with this tag (all of them, where there are several), made since `createdAfter` (default: 24 hours ago). */
  | { kind: "tag"; tags: string[]; createdAfter?: string }
  | { kind: "batch"; batchId: string }
  /** All runs of the environment, newest first. `limit` of them are in the snapshot (default 100). */
  | { kind: "environment"; limit?: number };

/** A run as its API reply shows it. Of sets: without payload, output, attempts and error. */
export type LiveRun = ListedRun &
  Partial<
    Omit<RunReply, keyof ListedRun | "relatedRuns"> & {
      error: RunReply["error"];
    }
  >;

export interface SubscribeRequest {
  id: string;
  target: RealtimeTarget;
  /** Run id → revision: what the client has already. What has not changed since is left out of the snapshot. */
  since?: Record<string, number>;
  /** Of single runs: fields that are not to be sent. */
  skip?: ("payload" | "output")[];
}

export interface ReadStreamRequest {
  id: string;
  runId: string;
  stream: string;
  /** Default: output, what the run writes; `input` are the messages that it was sent. */
  direction?: "output" | "input";
  /** Index of the first chunk wanted; `latest`: only chunks that come from now on. */
  from: number | "latest";
}

/** `code` is one of the API's errors: UNAUTHORIZED, TOKEN_EXPIRED, FORBIDDEN, RUN_NOT_FOUND, BATCH_NOT_FOUND, MALFORMED_ID, BAD_REQUEST, RATE_LIMITED, TOO_MANY_SUBSCRIPTIONS, STORE_UNAVAILABLE. */
export type RealtimeAnswer = { ok: true } | { ok: false; error: { code: string; message: string } };
type Answer = (answer: RealtimeAnswer) => void;

export interface StreamChunk {
  /** From 0, without gaps. */
  index: number;
  /** JSON text of the value. */
  data: string;
  /** When it was stored: ISO 8601. */
  at: string;
  /** The run's attempt that wrote it, where a run did. */
  attempt?: number;
}

export interface RealtimeClientEvents {
  subscribe(request: SubscribeRequest, answer: Answer): void;
  unsubscribe(request: { id: string }): void;
  readStream(request: ReadStreamRequest, answer: Answer): void;
  /** The reader has taken all chunks below `next`: more may be sent. Without it the server stops after a window of them. */
  streamTaken(request: { id: string; next: number }): void;
  /** A new token for the same socket, before or after the old one expired. */
  renew(request: { token: string }, answer: Answer): void;
}

export interface RealtimeServerEvents {
  /**
   * First word of a subscription, and again whenever the server cannot say what was missed. `runs` is newest first. One that
   * would be larger than a megabyte goes on in updates.
   */
  snapshot(message: { id: string; runs: LiveRun[]; unchanged: string[] }): void;
  /**
   * Runs that are others now, or new. Of single runs without the payload's fields (`payload`, `payloadType`, `payloadMeta`,
   * `payloadPresignedUrl`), which never change: the client keeps those it has.
   */
  update(message: { id: string; runs: LiveRun[] }): void;
  /** More changed than is worth sending one by one: the client should look at the REST API. Environment subscriptions only. */
  stale(message: { id: string }): void;
  chunks(message: { id: string; chunks: StreamChunk[]; isEnded: boolean }): void;
  /** The subscription is over: the token's scopes no longer allow it, or the thing is gone. */
  closed(message: { id: string; error: { code: string; message: string } }): void;
  /** The token has expired: subscriptions are silent until `renew`, and end a minute later. */
  expired(): void;
}

/** Sent on connecting: a public token, a secret key from a server, or a session's token. With a personal token the headers' values too. */
export interface RealtimeHandshake {
  token: string;
  project?: string;
  environment?: string;
}
