import type { JournalOpen } from "../../src/contract/journal.ts";
import { fromWireError } from "../../src/contract/wire-error.ts";
import type { Grant, MetadataOperation, RunEvent } from "../../src/contract/worker-protocol.ts";
import { catalogue } from "../../src/task/catalogue.ts";
import { executeTask } from "../../src/task/execute-task.ts";
import type { Hooks } from "../../src/task/hooks.ts";
import type { TaskHost, TaskOutcome } from "../../src/task/host.ts";
import { requireScope } from "../../src/task/run-scope.ts";
import { testGrant } from "../../src/testing/test-grant.ts";
import { MemoryJournal } from "./memory-journal.ts";

export interface DurableTaskOptions extends Partial<Hooks> {
  maxAttempts?: number;
  metadata?: Record<string, unknown>;
  /** Asked before a mismatch; default: nothing of the function's own is ever under way. */
  isBusy?: () => boolean;
}

/** A run of a function over a journal in memory, which may be run again in another process or attempt. */
export class DurableTask {
  readonly journal = new MemoryJournal();
  readonly logs: string[] = [];
  readonly metadata: MetadataOperation[] = [];
  /** The function of the processes to come. */
  run: () => unknown;
  readonly #options: DurableTaskOptions;
  hasJournal = true;
  cancel = new AbortController();
  drain = new AbortController();

  constructor(run: () => unknown, options: DurableTaskOptions = {}) {
    this.run = run;
    this.#options = options;
  }

  /** A new process executes the attempt, over what the journal holds. */
  execute(attempt = 1): Promise<TaskOutcome> {
    const { maxAttempts = 3, metadata = {}, isBusy: _isBusy, ...hooks } = this.#options;
    const id = "durable-task";
    catalogue().tasks.set(id, { id, filePath: "", options: { id, run: this.run, ...hooks } });
    const grant: Grant = testGrant({ taskId: id, payload: undefined, attempt, maxAttempts, metadata, tags: [] });
    const snapshot = this.journal.snapshot();
    if (snapshot) grant.journal = snapshot;
    return executeTask(grant, this.#host(), this.cancel.signal);
  }

  /** As `execute`; the outcome's output, or its error thrown. */
  async result(attempt = 1): Promise<unknown> {
    const outcome = await this.execute(attempt);
    if (outcome.kind === "failed") throw fromWireError(outcome.error);
    if (outcome.kind !== "completed") throw new Error(`The outcome is ${outcome.kind}`);
    return outcome.output;
  }

  /** Resolves when the run waits; with the labels of what it waits for. */
  async untilWaiting(): Promise<string[]> {
    const { journal } = this;
    if (!journal.waiting) {
      await new Promise<void>((resolve) => {
        journal.onWaiting = (state) => state && resolve();
      });
      journal.onWaiting = undefined;
    }
    return (journal.waiting?.waits ?? []).map(({ label }) => label);
  }

  #host(): TaskHost {
    return {
      api: undefined,
      drainSignal: this.drain.signal,
      journal: this.hasJournal ? { ...this.journal.host(), isBusy: this.#options.isBusy ?? (() => false) } : undefined,
      emit: (event: RunEvent) => void this.logs.push(event.message),
      metadata: (change) => void this.metadata.push(...(change.operations ?? [])),
      flush: async () => {},
    };
  }
}

/** The run's `durable`, as the SDK's own calls use it. */
export function durable() {
  const { durable: run } = requireScope("a test's call");
  if (!run) throw new Error("no journal");
  return run;
}

/** A wait for a token of this name; gives its output, or throws its error. */
export async function token(name: string): Promise<string | undefined> {
  const { completion } = await durable().wait({
    kind: "token",
    fingerprint: name,
    label: name,
    open: () => ({ tokenId: name }),
  });
  return settle(completion);
}

/** A child; `trigger` is called when it is really triggered. */
export async function child(
  name: string,
  trigger: (onceKey: string) => Promise<string> | string = () => `run_${name}`,
): Promise<string | undefined> {
  const { completion } = await durable().wait({
    kind: "child",
    fingerprint: name,
    label: name,
    open: async (onceKey) => ({ childRunId: await trigger(onceKey) }),
  });
  return settle(completion);
}

export async function sleep(inMs: number): Promise<void> {
  const due: (JournalOpen & { kind: "time" })["due"] = { inMs };
  await durable().wait({ kind: "time", fingerprint: String(inMs), label: `${inMs} ms`, open: () => ({ due }) });
}

function settle(completion: { entry: number; ok: boolean; value?: string; error?: { name: string; message: string } }) {
  if (completion.ok) return completion.value;
  throw durable().failure(completion.entry, fromWireError(completion.error ?? { name: "Error", message: "failed" }));
}
