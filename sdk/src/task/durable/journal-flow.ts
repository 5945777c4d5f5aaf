/**
 * How the calls of one attempt meet the completions of its journal.
 *
 * Every answer comes through the queue of completions, in the order of their `seq`, one macrotask apart, in the first pass
 * too: so a replay sees what the first pass saw. While completions of this attempt are still to be delivered again, new calls
 * wait: nothing new happens before the function has come as far as it was.
 *
 *   call ── recorded ──────────────────────────────┐
 *     └──── new ── (caught up) ── carry out ── append ── completion ── queue ── setImmediate ── the caller goes on
 *
 * A recorded call that does not come again holds the queue up. Where it is of this attempt, the function has taken another
 * way than it took: JOURNAL_MISMATCH. Where it is of an earlier attempt, that is its right, and the call is passed over.
 */
import type { EncodedValue } from "../../client/packet.ts";
import type {
  JournalAppend,
  JournalCompletion,
  JournalRecord,
  JournalSnapshot,
  OpenWait,
} from "../../contract/journal.ts";
import type { JournalHost } from "../host.ts";
import { inOwnRegion } from "../region.ts";
import { BlockedReplay, type Patience } from "./blocked-replay.ts";
import { DeliveryQueue } from "./delivery-queue.ts";
import { notRecorded, otherInput, unreachedCall } from "./durable-errors.ts";
import type { Wait } from "./opened-wait.ts";
import { realTimers } from "./real-timers.ts";
import { isSilent, RecordedCalls } from "./recorded-calls.ts";

export interface FlowOptions {
  attempt: number;
  snapshot: JournalSnapshot | undefined;
  journal: JournalHost;
  /** The attempt cannot go on: its function fails with this error, whatever it does. */
  onFatal: (error: Error) => void;
  /** Called before the code is told of a completion; nothing else is delivered meanwhile. Must not reject. */
  beforeResume: (call: Call) => Promise<void> | undefined;
  patience?: Patience | undefined;
}

export interface CallRequest {
  kind: JournalRecord["kind"];
  key: string;
  label: string;
  fingerprint?: string | undefined;
}

export interface Call extends CallRequest {
  entry: number;
  after: number;
  record: JournalRecord | undefined;
  /** `running`: in flight; `open`: a wait that the platform completes. */
  state: "running" | "open" | "over";
  /** What was sent, so that the answer need not carry it. */
  sent?: { value: EncodedValue } | { error: unknown };
  wait?: Wait;
  /** A wait that was open when the function ended: nobody is told of its completion. */
  isAbandoned?: boolean;
  answer: Promise<JournalCompletion>;
  resolve(completion: JournalCompletion): void;
  reject(reason: unknown): void;
}

export class JournalFlow {
  readonly #options: FlowOptions;
  readonly #blocked: BlockedReplay;
  readonly #recorded: RecordedCalls;
  readonly #queue: DeliveryQueue;
  readonly #calls = new Map<number, Call>();
  readonly #waits = new Map<number, OpenWait>();
  /** Entries of this attempt whose completion is still to be delivered again. */
  readonly #toReplay = new Set<number>();
  readonly #held = new Set<{ label: string; release: () => void }>();
  #nextEntry: number;
  #running = 0;
  #isScheduled = false;
  #isPaused = false;
  #fatal: Error | undefined;
  #onSettled: (() => void) | undefined;
  #told: string | undefined;
  #waitsVersion = 0;

  constructor(options: FlowOptions) {
    this.#options = options;
    const records = options.snapshot?.entries ?? [];
    this.#recorded = new RecordedCalls(records);
    this.#queue = new DeliveryQueue(records, this.#recorded, (entry) => this.#calls.has(entry));
    this.#queue.skipTo(options.snapshot?.seq ?? 0);
    this.#nextEntry = records.reduce((next, { entry }) => Math.max(next, entry + 1), 0);
    for (const { entry, kind, attempt, completion } of records) {
      if (completion && attempt === options.attempt && !isSilent(kind)) this.#toReplay.add(entry);
    }
    this.#blocked = new BlockedReplay({
      ...options,
      queue: this.#queue,
      recorded: this.#recorded,
      held: this.#held,
      passOver: (record) => this.#passOver(record),
      mismatch: (record) => this.#fail(unreachedCall(describe(record), this.#heldCalls())),
    });
    options.journal.onCompletions((completions) => this.#receive(completions));
  }

  /** The function has not yet come as far as it was in this attempt. */
  get isReplaying(): boolean {
    return this.#toReplay.size > 0;
  }

  /** Something has happened in this attempt that was not so in earlier ones. */
  hasNew = false;

  /** Calls whose answer has not been delivered. */
  get openCalls(): number {
    return this.#calls.size;
  }

  get delivered(): number {
    return this.#queue.delivered;
  }

  /** A number for an entry that nobody waits for. */
  silentEntry(): number {
    const entry = this.#nextEntry++;
    this.#queue.silence(entry);
    return entry;
  }

  /** Error: JOURNAL_MISMATCH, where the journal has the call with another input. */
  begin(request: CallRequest): Call {
    const record = this.#recorded.take(request.kind === "step", request.key);
    if (record && hasOtherInput(record, request)) throw this.#fail(mismatchOf(record, request));
    const entry = record?.entry ?? this.#nextEntry++;
    const answer = Promise.withResolvers<JournalCompletion>();
    // A wait that is given up when the run is canceled need not be awaited by anyone.
    answer.promise.catch(() => {});
    const call: Call = {
      ...request,
      entry,
      after: this.#queue.delivered,
      record,
      state: "running",
      answer: answer.promise,
      resolve: answer.resolve,
      reject: answer.reject,
    };
    this.#calls.set(entry, call);
    this.#running += 1;
    if (record) this.#queue.recall(entry);
    this.#act();
    return call;
  }

  /** Resolves when new things may happen; undefined: now. */
  caughtUp(what: { kind: string; label: string }): Promise<void> | undefined {
    if (!this.isReplaying) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    const held = { label: describe(what), release: resolve };
    this.#held.add(held);
    return promise;
  }

  /** A wait is open: from now on it is the platform's to complete it. */
  opened(call: Call, wait: OpenWait): void {
    if (call.state !== "running") return;
    if (call.isAbandoned) return this.drop(call);
    call.state = "open";
    this.#running -= 1;
    this.#waits.set(call.entry, wait);
    this.#waitsVersion += 1;
    this.#act();
  }

  /** Ends a call that no completion will answer. */
  drop(call: Call): void {
    this.#over(call);
    this.#act();
  }

  /** Resolves when stored. What the journal refuses ends the attempt. */
  async append(entries: JournalAppend[], what: string): Promise<void> {
    try {
      await inOwnRegion(() => this.#options.journal.append(entries));
    } catch (reason) {
      throw this.#fail(notRecorded(what, reason));
    }
  }

  /** The run is canceled: waits end with the reason. True where there were any. */
  abort(reason: unknown): boolean {
    const calls = [...this.#calls.values()].filter(isWait);
    for (const call of calls) {
      this.#over(call);
      call.reject(reason);
    }
    // What cleans up after the cancel need not wait for what is over.
    this.#toReplay.clear();
    this.#recorded.passOverAll();
    this.#act();
    return calls.length > 0;
  }

  /** The function has ended: resolves when no step or trigger of it is in flight; open waits are given up. */
  async settled(): Promise<void> {
    this.#blocked.hasEnded = true;
    for (const call of this.#calls.values()) if (isWait(call)) this.#abandon(call);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onSettled = resolve;
    this.#act();
    if (!this.#fatal) await promise;
  }

  #abandon(call: Call): void {
    this.#toReplay.delete(call.entry);
    if (call.record || call.state === "open") this.#over(call);
    else call.isAbandoned = true;
  }

  #receive(completions: JournalCompletion[]): void {
    this.#queue.offer(completions);
    this.#schedule();
  }

  /** Something happened: tell the host that the run is busy, and look what follows. */
  #act(): void {
    this.#blocked.touch();
    if (this.#running > 0) this.#tell(undefined);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isPaused || this.#fatal) return;
    this.#isScheduled = true;
    inOwnRegion(() => realTimers.setImmediate(() => this.#turn()));
  }

  #turn(): void {
    this.#isScheduled = false;
    if (this.#isPaused || this.#fatal) return;
    const completion = this.#queue.next();
    if (completion) this.#deliver(completion);
    else this.#rest();
  }

  #deliver(completion: JournalCompletion): void {
    const call = this.#calls.get(completion.entry);
    if (!call || call.isAbandoned) return this.#schedule();
    this.#tell(undefined);
    this.#blocked.touch();
    const before = this.#options.beforeResume(call);
    if (!before) return this.#answer(call, completion);
    this.#isPaused = true;
    void before.then(() => {
      this.#isPaused = false;
      this.#answer(call, completion);
    });
  }

  #answer(call: Call, completion: JournalCompletion): void {
    this.#toReplay.delete(call.entry);
    if (call.record === undefined || call.record.attempt === this.#options.attempt) this.hasNew = true;
    this.#over(call);
    call.resolve(completion);
    this.#schedule();
  }

  #over(call: Call): void {
    if (call.state === "running") this.#running -= 1;
    if (this.#waits.delete(call.entry)) this.#waitsVersion += 1;
    call.state = "over";
    this.#calls.delete(call.entry);
  }

  /** Nothing can be delivered now. */
  #rest(): void {
    if (!this.isReplaying) this.#release();
    if (this.#running === 0) this.#onSettled?.();
    this.#tell(this.#isWaiting() ? [...this.#waits.values()] : undefined);
    this.#blocked.look();
  }

  #heldCalls(): string[] {
    return [...this.#held].map(({ label }) => label);
  }

  #release(): void {
    for (const { release } of this.#held) release();
    this.#held.clear();
  }

  #isWaiting(): boolean {
    if (this.isReplaying || this.#running > 0 || this.#waits.size === 0) return false;
    return !this.#queue.hasWaiting;
  }

  #tell(waits: OpenWait[] | undefined): void {
    const known = this.#queue.received;
    const state = waits && `${known} ${this.#waitsVersion}`;
    if (state === this.#told) return;
    this.#told = state;
    const { journal } = this.#options;
    inOwnRegion(() => journal.waiting(waits && { known, waits }));
  }

  #passOver(record: JournalRecord): void {
    this.#recorded.passOver(record);
    this.#toReplay.delete(record.entry);
    this.#schedule();
  }

  #fail(error: Error): Error {
    if (this.#fatal) return this.#fatal;
    this.#fatal = error;
    this.#tell(undefined);
    this.#options.onFatal(error);
    this.#onSettled?.();
    return error;
  }
}

function isWait({ kind }: Call): boolean {
  return kind !== "step" && kind !== "trigger";
}

function hasOtherInput(record: JournalRecord, { fingerprint }: CallRequest): boolean {
  return record.fingerprint !== undefined && fingerprint !== undefined && record.fingerprint !== fingerprint;
}

function mismatchOf(record: JournalRecord, { fingerprint = "" }: CallRequest): Error {
  return otherInput(describe(record), record.fingerprint ?? "", fingerprint);
}

function describe({ kind, label }: { kind: string; label: string }): string {
  return kind === "step" ? `the step "${label}"` : `the ${kind} "${label}"`;
}
