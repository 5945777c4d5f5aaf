import type {
  JournalAppend,
  JournalCompletion,
  JournalKind,
  JournalRecord,
  JournalSnapshot,
  PlatformMessage,
  RunnerMessage,
} from "@gantry/sdk/contract";

type Reply = Extract<PlatformMessage, { type: "reply" }>;
type Park = Extract<RunnerMessage, { type: "park" }>;

/** The journal of one run as the platform keeps it, in memory: what others complete is completed by the test. */
export class FakeJournal {
  readonly entries = new Map<number, JournalRecord>();
  /** Whether the run has a slot; SUSPENDED: it is on no worker. */
  state: "RUNNING" | "PARKED" | "SUSPENDED" = "RUNNING";
  isPressed = false;
  readonly #onWake: () => void;
  #seq = 0;

  /** `onWake` tells the worker to ask. */
  constructor(onWake: () => void) {
    this.#onWake = onWake;
  }

  append(known: number, entries: JournalAppend[]): Pick<Reply, "journal" | "error"> {
    if (this.state === "SUSPENDED") return { error: fenced() };
    for (const each of entries) this.#store(each);
    return { journal: { state: this.state, completions: this.#after(known) } };
  }

  park({ known, mode }: Pick<Park, "known" | "mode">): Pick<Reply, "park" | "error"> {
    if (this.state === "SUSPENDED") return { error: fenced() };
    const completions = this.#after(known);
    if (completions.length === 0) this.state = mode === "hold" ? "PARKED" : "SUSPENDED";
    const { state, isPressed } = this;
    return { park: { state: completions.length === 0 ? state : "RUNNING", completions, isPressed } };
  }

  /** Completes the one open wait of the SDK's `wait.for`. */
  passTime(options: { isTold?: boolean } = {}): void {
    const time = [...this.entries.values()].find(({ kind, completion }) => kind === "time" && !completion);
    this.complete(time?.entry ?? -1, undefined, options);
  }

  /** Completes a wait, and gives the run a slot; `isTold: false` loses the hint. */
  complete(entry: number, value = "null", { isTold = true }: { isTold?: boolean } = {}): void {
    const record = this.entries.get(entry);
    if (!record || record.completion) throw new Error(`entry ${entry} is not open`);
    record.completion = this.#completion(entry, true, value);
    this.resume({ isTold });
  }

  /** Gives the run a slot. */
  resume({ isTold = true } = {}): void {
    if (this.state === "PARKED") this.state = "RUNNING";
    if (isTold) this.#onWake();
  }

  /** Whether there is something that a worker in this state does not know. */
  isNewsFor({ known = 0, isParked = false }: { known?: number | undefined; isParked?: boolean | undefined }): boolean {
    return this.state === "RUNNING" && (isParked || this.#after(known).length > 0);
  }

  snapshot(): JournalSnapshot {
    this.state = "RUNNING";
    return { seq: this.#seq, entries: structuredClone([...this.entries.values()]) };
  }

  #after(known: number): JournalCompletion[] {
    const all = [...this.entries.values()].flatMap(({ completion }) => (completion ? [completion] : []));
    return all.filter(({ seq }) => seq > known).sort((a, b) => a.seq - b.seq);
  }

  #store(append: JournalAppend): void {
    if (this.entries.has(append.entry)) return;
    const { entry, key, label, after, attempt } = append;
    const record: JournalRecord = { entry, kind: append.kind as JournalKind, key, label, after, attempt };
    this.entries.set(entry, record);
    if (append.type === "done") record.completion = this.#completion(entry, append.ok, append.value, append.valueType);
  }

  #completion(entry: number, ok: boolean, value?: string, valueType = "application/json"): JournalCompletion {
    this.#seq += 1;
    return { entry, seq: this.#seq, ok, ...(value === undefined ? {} : { value, valueType }), at: 0 };
  }
}

function fenced(): NonNullable<Reply["error"]> {
  return { code: "EXECUTION_FENCED", message: "The execution is over.", retryable: false };
}
