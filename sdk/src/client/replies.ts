/** What the client's methods return: the contract's replies, with Dates, and with payload and output as values. */
import type {
  Build,
  BuildLine,
  Deployment,
  DeploymentDetail,
  EventsReply,
  ExplainReply,
  JournalEntryReply,
  ListedRun,
  Queue,
  RetrievedBatch,
  RunCheckpoint,
  RunError,
  RunFields,
  RunReply,
  Token,
  WhoamiReply,
} from "../contract/api/index.ts";
import type { Revived } from "./dates.ts";

type Encoding =
  | "payloadType"
  | "payloadMeta"
  | "payloadPresignedUrl"
  | "outputType"
  | "outputMeta"
  | "outputPresignedUrl";

export type RelatedRun = Revived<RunFields>;
export type RunListItem = Revived<ListedRun>;
/** What became of the worker of a run that waits. */
export type RunCheckpointItem = Revived<RunCheckpoint>;

/** A run with all that is known of it. `output` is there once it is COMPLETED. */
export type RetrievedRun<TPayload, TOutput> = Omit<
  Revived<RunReply>,
  Encoding | "payload" | "output" | "checkpoint" | "relatedRuns"
> & {
  payload?: TPayload | undefined;
  output?: TOutput | undefined;
  checkpoint?: RunCheckpointItem | undefined;
  relatedRuns: { root?: RelatedRun; parent?: RelatedRun; children?: RelatedRun[] };
};

export type BatchItemFailure = RetrievedBatch["processing"]["errors"][number];
export type RetrievedBatchItem = Omit<Revived<RetrievedBatch>, "processing"> & {
  processing: { completedAt?: Date | undefined; errors: BatchItemFailure[] };
};

export type QueueItem = Omit<Revived<Queue>, "concurrency"> & { concurrency: Revived<Queue["concurrency"]> };
export type DeploymentItem = Revived<Deployment>;
export type DeploymentItemDetail = Revived<DeploymentDetail>;
/** An image that the platform made, or makes. */
export type BuildItem = Revived<Build>;
export type BuildLineItem = Revived<BuildLine>;
export type TokenItem = Revived<Token>;
/** A durable call of a run. */
export type JournalItem = Revived<JournalEntryReply>;
export type RunExplanation = ExplainReply;
export type RunEventItem = Revived<EventsReply["events"]>[number];
export type { RunError, WhoamiReply };
