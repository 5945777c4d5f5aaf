/** What is watched live, without a framework: observers for `useSyncExternalStore` or for `subscribe(listener)` by hand. */
export type { AccessToken } from "./access-token.ts";
export type { StreamPart, StreamReadOptions, StreamReference } from "./chunk-reader.ts";
export type { LiveOptions } from "./live-observer.ts";
export type { RealtimeRun } from "./live-run.ts";
export type { ConnectionReason, ConnectionState, LiveStatus } from "./live-state.ts";
export { RunObserver, type RunObserverOptions, type RunSnapshot } from "./run-observer.ts";
export { type RunSubscription, runSubscription } from "./run-subscription.ts";
export {
  RunWithStreamsObserver,
  type RunWithStreamsSnapshot,
  type StreamParts,
} from "./run-with-streams-observer.ts";
export { type RunSetTarget, RunsObserver, type RunsSnapshot } from "./runs-observer.ts";
export { readStreamParts } from "./stream-feed.ts";
export { StreamObserver, type StreamObserverOptions, type StreamSnapshot } from "./stream-observer.ts";
