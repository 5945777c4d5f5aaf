/**
 * The journal of a run in a unit test.
 *
 * Steps are recorded as on a platform. Waits end when the run does nothing but wait: what the test has an answer for comes
 * first, in the order of the calls; else time passes, to the wait or the token's timeout that is due first. With `replay`,
 * each such end is told to a new pass of the function instead of to the one that waits, as where its process has gone.
 */
import type {
  JournalAppend,
  JournalCompletion,
  JournalOpen,
  JournalRecord,
  JournalSnapshot,
} from "../contract/journal.ts";
import type { JournalHost } from "../task/host.ts";
import { isAnswer, type OnWait, type StoredAnswer, storedAnswer, type TestWait } from "./test-answers.ts";
import type { TestApi } from "./test-api.ts";
import type { TestToken, TestTokens } from "./test-tokens.ts";

interface OpenEntry {
  entry: JournalOpen;
  /** By the test's clock; undefined: it ends by an answer alone. */
  dueAt: number | undefined;
}

/** A pass of the function over the journal. */
interface Pass {
  deliver(completions: JournalCompletion[]): void;
  /** Ends the pass: another one goes on. */
  suspend(): void;
}

export interface TestJournalOptions {
  api: TestApi;
  tokens: TestTokens;
  clock: { now: number };
  onWait: OnWait | undefined;
  replay: boolean;
}

/** How long a run may wait for what nobody answers. Real milliseconds: plain code of the task may still complete it. */
const PATIENCE_MS = 100;

export class TestJournal {
  readonly waits: TestWait[] = [];
  replays = 0;
  readonly #options: TestJournalOptions;
  readonly #records = new Map<number, JournalRecord>();
  readonly #open = new Map<number, OpenEntry>();
  #seq = 0;
  #pass: Pass | undefined;
  #isWaiting = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: TestJournalOptions) {
    this.#options = options;
    options.tokens.onComplete = () => this.#look();
  }

  /** What a new pass is given; undefined where there is nothing. */
  snapshot(): JournalSnapshot | undefined {
    if (this.#records.size === 0) return undefined;
    const entries = [...this.#records.values()].sort((a, b) => a.entry - b.entry);
    return structuredClone({ seq: this.#seq, entries });
  }

  /** Entries whose error failed an attempt: the next one makes them anew. */
  reopen(entries: readonly number[] = []): void {
    for (const entry of entries) this.#records.delete(entry);
  }

  /** The host of a new pass; what the last one still does is lost. `suspended` resolves where another one is to go on. */
  begin(): { host: JournalHost; suspended: Promise<"suspended"> } {
    let listener: (completions: JournalCompletion[]) => void = () => {};
    const { promise, resolve } = Promise.withResolvers<"suspended">();
    const pass: Pass = { deliver: (completions) => listener(completions), suspend: () => resolve("suspended") };
    this.#pass = pass;
    this.#isWaiting = false;
    const resources = activeResources();
    const host: JournalHost = {
      append: (entries) => {
        if (this.#pass !== pass) return new Promise<never>(() => {});
        const completions = entries.flatMap((entry) => this.#store(entry));
        if (completions.length > 0) pass.deliver(completions);
        return Promise.resolve();
      },
      onCompletions: (given) => {
        listener = given;
      },
      waiting: (state) => {
        if (this.#pass !== pass) return;
        this.#isWaiting = state !== undefined;
        this.#look();
      },
      isBusy: () => isMoreThan(activeResources(), resources),
    };
    return { host, suspended: promise };
  }

  end(): void {
    this.#pass = undefined;
    this.#isWaiting = false;
    clearTimeout(this.#timer);
  }

  #store(append: JournalAppend): JournalCompletion[] {
    const { entry, kind, key, label, fingerprint, after, attempt } = append;
    const record: JournalRecord = { entry, kind, key, label, after, attempt };
    if (fingerprint !== undefined) record.fingerprint = fingerprint;
    this.#records.set(entry, record);
    if (append.type === "open") {
      this.#openWait(record, append);
      return [];
    }
    const { ok, value, valueType, error } = append;
    return [this.#complete(entry, { ok, ...definedOnly({ value, valueType, error }) } as StoredAnswer)];
  }

  #openWait(record: JournalRecord, entry: JournalOpen): void {
    const { api, tokens, clock, onWait } = this.#options;
    const { label } = entry;
    let dueAt: number | undefined;
    switch (entry.kind) {
      case "time": {
        dueAt = "at" in entry.due ? Math.max(clock.now, entry.due.at) : clock.now + entry.due.inMs;
        record.dueAt = dueAt;
        this.waits.push({ kind: "time", label, ms: dueAt - clock.now });
        break;
      }
      case "token": {
        const token = tokens.get(entry.tokenId);
        record.tokenId = token.id;
        dueAt = token.timeoutAt;
        const timeoutMs = dueAt === undefined ? undefined : dueAt - clock.now;
        const wait = { kind: "token" as const, label, id: token.id, timeoutMs, tags: token.tags };
        this.waits.push(wait);
        if (!token.answer) void this.#ask(token, () => onWait?.(wait));
        break;
      }
      case "child": {
        record.childRunId = entry.childRunId;
        const { taskId = label, payload } = api.children.get(entry.childRunId) ?? {};
        this.waits.push({ kind: "child", label, id: entry.childRunId, taskId, payload });
        break;
      }
      case "batch":
        record.batchId = entry.batchId;
        this.waits.push({ kind: "batch", label, id: entry.batchId, runIds: api.batches.get(entry.batchId) ?? [] });
        break;
    }
    this.#open.set(entry.entry, { entry, dueAt });
  }

  async #ask(token: TestToken, onWait: () => ReturnType<OnWait>): Promise<void> {
    let answer: Awaited<ReturnType<OnWait>>;
    try {
      answer = await onWait();
    } catch (error) {
      answer = { error: error instanceof Error ? error : String(error) };
    }
    if (!isAnswer(answer)) return;
    const stored = storedAnswer(answer);
    token.answer ??= token.answerOf?.(stored) ?? stored;
    this.#look();
  }

  /** Looks, where the run only waits, what ends first. */
  #look(): void {
    clearTimeout(this.#timer);
    if (this.#isWaiting) setImmediate(() => this.#isWaiting && this.#endOne());
  }

  #endOne(): void {
    const open = [...this.#open.values()].sort((a, b) => a.entry.entry - b.entry.entry);
    for (const { entry } of open) {
      const answer = this.#answerOf(entry);
      if (answer) return this.#end(entry, answer);
    }
    const [due] = open.filter(({ dueAt }) => dueAt !== undefined).sort((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0));
    if (due) return this.#passTime(due);
    const [stuck] = open;
    if (!stuck) return;
    this.#timer = setTimeout(() => this.#isWaiting && this.#end(stuck.entry, unanswered(stuck.entry)), PATIENCE_MS);
  }

  #passTime({ entry, dueAt }: OpenEntry): void {
    const { clock, tokens } = this.#options;
    clock.now = Math.max(clock.now, dueAt ?? 0);
    if (entry.kind !== "token") return this.#end(entry, { ok: true });
    const answer = storedAnswer({ error: "The token was not completed in its time" });
    tokens.get(entry.tokenId).answer ??= answer;
    this.#end(entry, answer);
  }

  #answerOf(entry: JournalOpen): StoredAnswer | undefined {
    const { api, tokens } = this.#options;
    if (entry.kind === "token") return tokens.get(entry.tokenId).answer;
    if (entry.kind === "child") return api.children.get(entry.childRunId)?.answer ?? noResult(entry.label);
    if (entry.kind === "time") return undefined;
    const children = (api.batches.get(entry.batchId) ?? []).map((id) => api.children.get(id));
    const items = children.map((child) => {
      const { value, valueType, ...rest } = child?.answer ?? noResult(child?.taskId ?? entry.label);
      return { id: child?.id, taskIdentifier: child?.taskId, output: value, outputType: valueType, ...rest };
    });
    return { ok: true, value: JSON.stringify(items), valueType: "application/json" };
  }

  #end({ entry }: JournalOpen, answer: StoredAnswer): void {
    this.#open.delete(entry);
    const completion = this.#complete(entry, answer);
    const pass = this.#pass;
    this.#isWaiting = false;
    if (!this.#options.replay) return pass?.deliver([completion]);
    this.#pass = undefined;
    this.replays += 1;
    pass?.suspend();
  }

  #complete(entry: number, answer: StoredAnswer): JournalCompletion {
    const completion = { entry, seq: ++this.#seq, at: this.#options.clock.now, ...answer };
    const record = this.#records.get(entry);
    if (record) record.completion = completion;
    return structuredClone(completion);
  }
}

function noResult(taskId: string): StoredAnswer {
  const message = `The test does not say how "${taskId}" ends: return { output } or { error } from runTask's onTrigger.`;
  return { ok: false, error: { name: "Error", message, code: "NO_TEST_RESULT" } };
}

function unanswered(entry: JournalOpen): StoredAnswer {
  const message = `The run waits for ${entry.label} and nobody completes it: return { output } or { error } from runTask's onWait.`;
  return { ok: false, error: { name: "Error", message, code: "NO_TEST_RESULT" } };
}

function definedOnly(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** How many of each kind are under way in this process. */
function activeResources(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

function isMoreThan(now: Map<string, number>, before: Map<string, number>): boolean {
  return [...now].some(([kind, count]) => count > (before.get(kind) ?? 0));
}
