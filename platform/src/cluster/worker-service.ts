import type { CompletionVerdict, PlatformMessage, RunnerMessage } from "@gantry/sdk/contract";
import type { JournalReply, ParkReply } from "../journal/journal-store.ts";

/** One connected runner, as the channel (the edge) offers it to the engine. */
export interface WorkerLink {
  readonly workerId: string;
  /** Database ids, from the worker's token. */
  readonly environmentId: number;
  readonly deploymentId: string;
  /** Set where the worker was launched for one execution only (a Kubernetes Job). */
  readonly executionId?: string;
  send(message: PlatformMessage): void;
  close(reason: string): void;
}

type Reply = Extract<PlatformMessage, { type: "reply" }>;
type Message<T extends RunnerMessage["type"]> = Extract<RunnerMessage, { type: T }>;

/** What a connected runner may tell the engine. All are idempotent; a stale fence is an answer, not an error. */
export interface WorkerService {
  /** Returns the executions of the hello that are no longer this worker's. From now on the link may be sent grants. */
  hello(link: WorkerLink, message: Message<"hello">): Promise<{ fenced: string[] }>;
  capacity(link: WorkerLink, free: number): void;
  started(link: WorkerLink, message: Message<"started">): void;
  heartbeat(
    link: WorkerLink,
    message: Message<"heartbeat">,
  ): Promise<{ fenced: string[]; cancel: string[]; wake?: string[] }>;
  /** Errors: EXECUTION_FENCED, JOURNAL_LIMIT. */
  journal(link: WorkerLink, message: Message<"journal">): Promise<JournalReply>;
  /** Errors: EXECUTION_FENCED; CHECKPOINT_UNAVAILABLE, LIMIT_EXCEEDED in mode process. */
  park(link: WorkerLink, message: Message<"park">): Promise<ParkReply>;
  /** Errors: EXECUTION_FENCED, CHECKPOINT_UNAVAILABLE, LIMIT_EXCEEDED. */
  checkpoint(link: WorkerLink, message: Message<"checkpoint">): Promise<NonNullable<Reply["checkpoint"]>>;
  /** Errors: EXECUTION_FENCED, CHECKPOINT_SPENT. */
  restored(link: WorkerLink, message: Message<"restored">): Promise<NonNullable<Reply["restored"]>>;
  /** What was found out about the worker's node. */
  node(link: WorkerLink, message: Message<"node">): void;
  complete(link: WorkerLink, message: Message<"complete">): Promise<CompletionVerdict>;
  events(link: WorkerLink, message: Message<"events">): Promise<void>;
  metadata(link: WorkerLink, message: Message<"metadata">): Promise<void>;
  disconnected(link: WorkerLink): void;
}
