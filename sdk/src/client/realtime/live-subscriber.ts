import type {
  LiveRun,
  ReadStreamRequest,
  RealtimeServerEvents,
  StreamChunk,
  SubscribeRequest,
} from "../../contract/realtime.ts";
import type { ConnectionReason } from "./live-state.ts";

/** What is asked of the server, without the id that the socket gives it. */
export type LiveRequest =
  | { event: "subscribe"; request: Omit<SubscribeRequest, "id"> }
  | { event: "readStream"; request: Omit<ReadStreamRequest, "id"> };

export type LiveMessage =
  | { kind: "snapshot"; runs: LiveRun[]; unchanged: string[] }
  | { kind: "update"; runs: LiveRun[] }
  | { kind: "stale" }
  | { kind: "chunks"; chunks: StreamChunk[]; isEnded: Parameters<RealtimeServerEvents["chunks"]>[0]["isEnded"] };

/** `down`: there is no socket for the time being, and it is worth polling. */
export type SocketStatus =
  | { state: "connecting" | "live" | "down"; reason: ConnectionReason }
  | { state: "refused"; reason: "REFUSED"; error: Error };

/** Someone who listens through a shared socket. */
export interface LiveSubscriber {
  /** What to ask for; called anew at each connect, when more is known than before. */
  request(): LiveRequest;
  onMessage(message: LiveMessage): void;
  onStatus(status: SocketStatus): void;
  /** The subscription is over for good. */
  onRefused(error: Error): void;
}
