/**
 * What a task does with its run's journal, written out by hand: tests of the runner need neither the SDK's rules of replay
 * nor its clocks, but to say exactly when something is appended and when the run waits.
 */
interface Completion {
  entry: number;
  seq: number;
  value?: string;
}

interface Scope {
  grant: { journal?: { seq: number; entries: { entry: number; completion?: Completion }[] } };
  host: {
    journal: {
      append(entries: object[]): Promise<void>;
      onCompletions(listener: (completions: Completion[]) => void): void;
      waiting(state: { known: number; waits: object[] } | undefined): void;
    };
  };
}

const RUN = Symbol.for("dev.gantry.run");

export class DurableByHand {
  /** In the order of their arrival. */
  readonly heard: number[] = [];
  readonly #journal: Scope["host"]["journal"];
  readonly #completed = new Map<number, Completion>();
  readonly #recorded: Set<number>;
  readonly #waiters = new Map<number, (completion: Completion) => void>();
  readonly #open = new Map<number, { entry: number; kind: "token"; label: string; dueAt?: number }>();
  #next = 0;
  #known = 0;

  constructor() {
    const runs = (globalThis as unknown as Record<symbol, { getStore(): Scope }>)[RUN];
    if (!runs) throw new Error("there is no run around this code");
    const { grant, host } = runs.getStore();
    this.#journal = host.journal;
    this.#known = grant.journal?.seq ?? 0;
    this.#recorded = new Set(grant.journal?.entries.map(({ entry }) => entry));
    for (const { entry, completion } of grant.journal?.entries ?? [])
      if (completion) this.#completed.set(entry, completion);
    host.journal.onCompletions((completions) => {
      for (const each of completions) this.#arrived(each);
    });
  }

  /** Waits until the platform completes it. */
  async wait(label: string, dueAt?: number): Promise<string | undefined> {
    const entry = this.#next++;
    const done = this.#completed.get(entry);
    if (done) return done.value;
    const completion = new Promise<Completion>((resolve) => this.#waiters.set(entry, resolve));
    if (!this.#recorded.has(entry)) await this.#append({ type: "open", kind: "token", tokenId: label, entry, label });
    this.#open.set(entry, { entry, kind: "token", label, ...(dueAt === undefined ? {} : { dueAt }) });
    this.#tell();
    const { value } = await completion;
    return value;
  }

  /** Runs `fn`, once; waits are told of only when it is stored. */
  async step(label: string, fn: () => unknown): Promise<string | undefined> {
    const entry = this.#next++;
    const done = this.#completed.get(entry);
    if (done) return done.value;
    this.#journal.waiting(undefined);
    const value = JSON.stringify(await fn());
    await this.#append({ type: "done", kind: "step", entry, label, ok: true, value, startedAt: 0, tries: 1 });
    this.#tell();
    return this.#completed.get(entry)?.value;
  }

  #append(entry: { label: string; [field: string]: unknown }): Promise<void> {
    return this.#journal.append([{ key: entry.label, after: this.#known, attempt: 1, ...entry }]);
  }

  #arrived(completion: Completion): void {
    this.heard.push(completion.seq);
    this.#known = completion.seq;
    this.#completed.set(completion.entry, completion);
    this.#open.delete(completion.entry);
    this.#tell();
    this.#waiters.get(completion.entry)?.(completion);
  }

  #tell(): void {
    this.#journal.waiting(this.#open.size === 0 ? undefined : { known: this.#known, waits: [...this.#open.values()] });
  }
}
