/** One attempt of a run over its journal: what each kind of durable call writes there, and makes of what it finds. */
import { decodeValue, type EncodedValue } from "../../client/packet.ts";
import type {
  JournalAppend,
  JournalCompletion,
  JournalDone,
  JournalOpen,
  JournalSnapshot,
} from "../../contract/journal.ts";
import { fromWireError, readErrorMember, toWireError } from "../../contract/wire-error.ts";
import type { TaskWait } from "../hooks.ts";
import type { JournalHost } from "../host.ts";
import { currentRegion, inOwnRegion, inStepRegion, type Region } from "../region.ts";
import type { Patience } from "./blocked-replay.ts";
import { CallKeys } from "./call-keys.ts";
import { calledAfterEnd, invalidStep, nestedCall } from "./durable-errors.ts";
import type { DurableRun, OnceCall, OpenedWait, OpenFields, StepOptions, WaitCall } from "./durable-run.ts";
import { FailureTrace } from "./failure-trace.ts";
import { type ClockKind, JournalClock, MAX_PENDING_PAIRS } from "./journal-clock.ts";
import { type Call, JournalFlow } from "./journal-flow.ts";
import { encodeJournalValue } from "./journal-value.ts";
import { newWait, recordedWait } from "./opened-wait.ts";
import { realTimers } from "./real-timers.ts";
import { isControlError, runStepBody, type StepResult } from "./step-body.ts";

/** The task's `onWait` and `onResume` hooks. Calling them never rejects. */
export interface WaitHooks {
  has(name: "onWait" | "onResume"): boolean;
  call(name: "onWait" | "onResume", wait: TaskWait): Promise<void>;
}

export interface JournalledRunOptions {
  runId: string;
  attempt: number;
  snapshot: JournalSnapshot | undefined;
  journal: JournalHost;
  signal: AbortSignal;
  drainSignal: AbortSignal;
  hooks: WaitHooks;
  onFatal: (error: Error) => void;
  patience?: Patience | undefined;
}

const MAX_LABEL = 256;
const MAX_KEY = 1000;

export class JournalledRun implements DurableRun {
  /** The region of the function and its middleware: calls from it are refused once it has ended. */
  readonly functionRegion: Region = { kind: "function" };
  readonly #options: JournalledRunOptions;
  readonly #flow: JournalFlow;
  readonly #keys = new CallKeys();
  readonly #failures = new FailureTrace();
  readonly #clock: JournalClock;
  readonly #doneHooks: Set<string>;
  /** Entries that go with the next append. */
  #lazy: JournalDone[] = [];
  #openSteps = 0;
  #hasFunctionEnded = false;
  #hasEnded = false;

  constructor(options: JournalledRunOptions) {
    this.#options = options;
    const records = options.snapshot?.entries ?? [];
    this.#clock = new JournalClock(records, options.attempt);
    this.#doneHooks = new Set(records.filter(({ kind }) => kind === "hook").map(({ key }) => key));
    this.#flow = new JournalFlow({
      attempt: options.attempt,
      snapshot: options.snapshot,
      journal: options.journal,
      onFatal: options.onFatal,
      beforeResume: (call) => this.#beforeResume(call),
      patience: options.patience,
    });
  }

  /** Logs and metadata of what the run does now were sent before. */
  get isReplaying(): boolean {
    return this.#flow.isReplaying;
  }

  get open(): { steps: number; entries: number } {
    return { steps: this.#openSteps, entries: this.#flow.openCalls };
  }

  async step<T>(name: string, fn: () => Promise<T> | T, options: StepOptions = {}): Promise<T> {
    this.#admit(`The step "${name}"`);
    const { key, close } = this.#keys.openStep(checkedName(options.key ?? name));
    try {
      const call = this.#flow.begin({ kind: "step", key, label: cutLabel(name) });
      if (!call.record) await this.#makeStep(call, name, fn, options);
      return this.#valueOf(call, await call.answer) as T;
    } finally {
      close();
    }
  }

  async wait<K extends JournalOpen["kind"]>(
    request: WaitCall<K>,
  ): Promise<{ completion: JournalCompletion; opened: OpenedWait }> {
    const { kind, fingerprint } = request;
    this.#admit(`The wait for ${request.label}`);
    this.#options.signal.throwIfAborted();
    const key = this.#keys.next(kind, fingerprint);
    const call = this.#flow.begin({ kind, key, label: cutLabel(request.label), fingerprint });
    // Nothing but the answer is awaited, so that recorded and new waits resume the caller in the same turn.
    if (call.record) this.#reopen(call, request);
    else this.#openWait(call, request).catch((error: unknown) => this.#giveUp(call, error));
    const completion = await call.answer;
    const opened = call.wait?.opened;
    // Without one the trigger of the child was refused.
    if (!opened) throw this.#errorOf(call, completion);
    return { completion, opened };
  }

  async once<T>({ label, fingerprint, perform }: OnceCall<T>): Promise<T> {
    this.#admitEnded(`The trigger of ${label}`);
    const key = this.#keys.next("trigger", fingerprint);
    const call = this.#flow.begin({ kind: "trigger", key, label: cutLabel(label), fingerprint });
    if (!call.record) await this.#makeTrigger(call, perform);
    return this.#valueOf(call, await call.answer) as T;
  }

  failure<E extends object>(entry: number, error: E): E {
    this.#failures.mark(entry, error);
    return error;
  }

  clock(kind: ClockKind, real: () => number): number {
    if (currentRegion()?.kind !== "function" || this.#hasEnded) return real();
    const value = this.#clock.read(kind, real, this.#flow.hasNew);
    if (this.#clock.pending > MAX_PENDING_PAIRS) void this.#append([], "readings of the clock").catch(() => {});
    return value;
  }

  /** Calls a hook of the run once, as far as the journal tells. What it throws is not recorded. */
  async hook(name: string, fn: () => unknown): Promise<void> {
    if (this.#doneHooks.has(name)) return;
    const startedAt = realTimers.epoch();
    await inStepRegion(name, fn);
    this.#noteHook(name, startedAt);
  }

  /** Entries whose error this is: the next attempt makes them anew. */
  reopened(thrown: unknown): number[] {
    return this.#failures.entriesOf(thrown);
  }

  /** The function has ended. Resolves when no step or trigger of it is in flight. */
  settled(): Promise<void> {
    this.#hasFunctionEnded = true;
    return this.#flow.settled();
  }

  /** The attempt has ended: nothing durable may be called any more. */
  end(): void {
    this.#hasEnded = true;
  }

  /** The run is canceled. True where something waited and now hears of it. */
  abort(): boolean {
    return this.#flow.abort(this.#options.signal.reason);
  }

  #admit(what: string): void {
    const region = currentRegion();
    if (region?.kind === "step") throw nestedCall(what, region.name);
    this.#admitEnded(what);
  }

  #admitEnded(what: string): void {
    const isFunction = currentRegion() === this.functionRegion;
    if (this.#hasEnded || (this.#hasFunctionEnded && isFunction)) throw calledAfterEnd(what);
  }

  async #makeStep(call: Call, name: string, fn: () => unknown, options: StepOptions): Promise<void> {
    await this.#flow.caughtUp(call);
    const startedAt = realTimers.epoch();
    this.#openSteps += 1;
    const result = await runStepBody(name, fn, options, (error) => this.#isControl(error), call.key);
    this.#openSteps -= 1;
    if (!result.ok && this.#isControl(result.error)) return this.#passOn(call, result.error);
    this.#record(call, "step", startedAt, result);
  }

  async #makeTrigger(call: Call, perform: (onceKey: string) => Promise<unknown>): Promise<void> {
    const startedAt = realTimers.epoch();
    await this.#flow.caughtUp(call);
    let result: StepResult;
    try {
      await this.#flushClock();
      const made = await inOwnRegion(() => perform(this.#onceKey(call)));
      result = { ok: true, value: encodeJournalValue(made, call.label), tries: 1 };
    } catch (error) {
      if (this.#isControl(error)) return this.#passOn(call, error);
      result = { ok: false, error, tries: 1 };
    }
    this.#record(call, "trigger", startedAt, result);
  }

  /** What cannot be opened, such as a child whose trigger is refused, is recorded as the failure of a trigger. */
  async #openWait<K extends JournalOpen["kind"]>(call: Call, request: WaitCall<K>): Promise<void> {
    await this.#flow.caughtUp(call);
    const startedAt = realTimers.epoch();
    let fields: OpenFields<K>;
    try {
      if (request.kind === "child" || request.kind === "batch") await this.#flushClock();
      fields = await inOwnRegion(() => request.open(this.#onceKey(call)));
    } catch (error) {
      if (this.#isControl(error) || call.state === "over") throw error;
      return this.#record(call, "trigger", startedAt, { ok: false, error, tries: 1 });
    }
    const entry = { ...this.#baseOf(call), ...fields, type: "open", kind: request.kind } as unknown as JournalOpen;
    call.wait = newWait(entry, request.runCount ?? 0, realTimers.epoch());
    await this.#append([entry], call.label);
    if (this.#options.hooks.has("onWait")) await this.#options.hooks.call("onWait", call.wait.forHooks);
    this.#flow.opened(call, call.wait.open);
  }

  /** A wait that the journal has. */
  #reopen(call: Call, { runCount = 0 }: { runCount?: number }): void {
    const { record } = call;
    if (!record || record.kind === "trigger") return;
    call.wait = recordedWait(record, runCount);
    if (!record.completion) this.#flow.opened(call, call.wait.open);
  }

  #giveUp(call: Call, error: unknown): void {
    this.#flow.drop(call);
    call.reject(error);
  }

  #record(call: Call, kind: "step" | "trigger", startedAt: number, result: StepResult): void {
    const { tries } = result;
    const entry: JournalDone = {
      type: "done",
      kind,
      ...this.#baseOf(call),
      ok: result.ok,
      startedAt,
      tries,
      ...(result.ok ? valueFields(result.value) : { error: toWireError(result.error) }),
    };
    call.sent = result.ok ? { value: result.value } : { error: result.error };
    // Its completion answers the call; what the journal refuses ends the attempt.
    void this.#append([entry], call.label).catch(() => {});
  }

  #baseOf({ entry, key, label, after, fingerprint }: Call) {
    const { attempt } = this.#options;
    return { entry, key, label, after, attempt, ...(fingerprint === undefined ? {} : { fingerprint }) };
  }

  #append(entries: JournalAppend[], what: string): Promise<void> {
    const readings = this.#clockEntry();
    const all = [...(readings ? [readings] : []), ...this.#lazy, ...entries];
    this.#lazy = [];
    if (all.length === 0) return Promise.resolve();
    return this.#flow.append(all, what);
  }

  /** What a child is given may be made of readings: they must be durable before it is triggered. */
  async #flushClock(): Promise<void> {
    if (this.#clock.pending > 0) await this.#append([], "readings of the clock");
  }

  #clockEntry(): JournalDone | undefined {
    const value = this.#clock.take();
    if (value === undefined) return undefined;
    const entry = this.#flow.silentEntry();
    return { ...this.#silent(entry, "clock", `clock:${entry}`, "clock"), value, valueType: "application/json" };
  }

  #noteHook(name: string, startedAt: number): void {
    this.#doneHooks.add(name);
    this.#lazy.push({ ...this.#silent(this.#flow.silentEntry(), "hook", name, name), startedAt });
  }

  #silent(entry: number, kind: "hook" | "clock", key: string, label: string): JournalDone {
    const { attempt } = this.#options;
    const after = this.#flow.delivered;
    return {
      type: "done",
      kind,
      entry,
      key,
      label: cutLabel(label),
      after,
      attempt,
      ok: true,
      startedAt: realTimers.epoch(),
      tries: 1,
    };
  }

  /** `onResume` hooks run once for a wait, in whichever process resumes it. */
  #beforeResume({ entry, wait }: Call): Promise<void> | undefined {
    const { hooks } = this.#options;
    const name = `onResume:${entry}`;
    if (!wait || !hooks.has("onResume") || this.#doneHooks.has(name)) return undefined;
    const startedAt = realTimers.epoch();
    return hooks.call("onResume", wait.forHooks).then(() => this.#noteHook(name, startedAt));
  }

  #passOn(call: Call, error: unknown): never {
    this.#flow.drop(call);
    throw error;
  }

  #isControl(error: unknown): boolean {
    return isControlError(error, [this.#options.signal, this.#options.drainSignal]);
  }

  #onceKey({ key }: Call): string {
    return `gantry:${this.#options.runId}:${key}`;
  }

  #valueOf(call: Call, completion: JournalCompletion): unknown {
    if (!completion.ok) throw this.#errorOf(call, completion);
    const sent = call.sent && "value" in call.sent ? call.sent.value : undefined;
    return sent ? decodeValue(sent.data, sent.dataType) : decodeValue(completion.value, completion.valueType);
  }

  #errorOf(call: Call, { error }: JournalCompletion): Error {
    const original = call.sent && "error" in call.sent ? call.sent.error : undefined;
    const wire = error ?? (original === undefined ? { name: "Error", message: "failed" } : toWireError(original));
    return this.failure(call.entry, withHints(fromWireError(wire), original));
  }
}

function valueFields({ data, dataType }: EncodedValue) {
  return { ...(data === undefined ? {} : { value: data }), valueType: dataType };
}

/** What an error says about retries by members that its wire form does not have. */
function withHints(error: Error, original: unknown): Error {
  if (typeof original !== "object" || original === null) return error;
  for (const member of ["retryAt", "status"]) {
    const hint = readErrorMember(original, member);
    if (hint !== undefined) Object.assign(error, { [member]: hint });
  }
  return error;
}

function checkedName(name: string): string {
  if (typeof name !== "string" || name === "") throw invalidStep('A step needs a name: step.run("charge", fn).');
  if (name.length > MAX_KEY)
    throw invalidStep(
      `The name of the step "${name.slice(0, 40)}…" has ${name.length} characters; the limit is ${MAX_KEY}.`,
    );
  if (name.includes("\0")) throw invalidStep("The name of a step cannot hold a NUL character.");
  return name;
}

function cutLabel(label: string): string {
  return label.length > MAX_LABEL ? `${label.slice(0, MAX_LABEL - 1)}…` : label;
}
