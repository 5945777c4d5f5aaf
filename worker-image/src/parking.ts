import {
  type Checkpoint,
  type CheckpointReason,
  DEFAULT_CHECKPOINT,
  type JournalCompletion,
  type StoredCheckpoint,
  type UnsafeEffect,
} from "@gantry/sdk/contract";
import { FailedCheckpoints, type WaitAsSeen } from "./checkpoint/failed-checkpoints.ts";
import { NotStored } from "./checkpoint/not-stored.ts";
import { type CheckpointDecision, decideCheckpoint, decideIfLost, type ProcessAbility } from "./checkpoint-policy.ts";
import type { Reply, Request } from "./platform-link.ts";
import type { FromTaskProcess } from "./process-messages.ts";
import { decisionNote, failureNote, unsafeWarning } from "./waiting-notes.ts";

type Waiting = Extract<FromTaskProcess, { t: "waiting" }>;

type IfLost = ReturnType<typeof decideIfLost>;

/** What can be done with the attempt's process while the run waits. */
export interface ProcessStore {
  readonly ability: ProcessAbility;
  /** Called once where that is not known yet. */
  onTested(listener: () => void): void;
  /** Why it does not work here, where it does not. */
  readonly why: string | undefined;
  begin(): Storing;
}

/** One process that is being stored: see process-checkpoint.ts. */
export interface Storing {
  readonly result: Promise<StoredCheckpoint | NotStored>;
  abandon(): void;
  goOn(): Promise<void>;
}

export interface ParkingOptions {
  ref: { executionId: string; fence: string };
  attempt: number;
  checkpoint: Checkpoint | undefined;
  /** Absent where no process is stored. */
  store: ProcessStore | undefined;
  request(request: Request): Promise<Reply>;
  computeMs(): number;
  /** Makes sure that nothing of the attempt is left in its process alone. */
  beforeLeaving(): Promise<void>;
  /** Whether the run computes has changed: it waits, or has no slot. */
  onIdle(isIdle: boolean): void;
  /** Whether the run has its slot has changed. */
  onParked(isParked: boolean): void;
  /** There was something new; the run goes on. */
  onNews(completions: JournalCompletion[]): void;
  /** A process that might have left stays after all. */
  onStays(): void;
  /** The run waits without this worker: its process is of no use any more. */
  onSuspended(): void;
  onFenced(): void;
  note: Note;
}

/** After an answer that says nothing. */
const LOOK_AGAIN_MS = 1_000;
/** Lines that are warned of, at most. */
const WARNINGS = 100;

/** A line that is repaired would free the process. */
const HELD_FOR_LINES: CheckpointReason[] = [
  "UNSAFE",
  "CHECKPOINT_UNAVAILABLE",
  "CHECKPOINT_REFUSED",
  "CHECKPOINT_TOO_LARGE",
  "CHECKPOINT_FAILED",
];

/** Something to say on the run's trace, and the same as data for who draws it. */
export type Note = (level: "info" | "warn", message: string, data?: object) => void;

/** What an execution remembers from one attempt to the next, so that its trace does not say it again. */
export interface Said {
  decision: string;
  lines: Set<string>;
}

/**
 * An attempt that waits: asks checkpoint-policy.ts what becomes of its process whenever something about it changes, tells
 * the platform, and does what that says. One `park` is on its way at a time.
 */
export class Parking {
  readonly #options: ParkingOptions;
  readonly #checkpoint: Checkpoint;
  readonly #said: Said;
  /** As the process said it last; undefined: it goes on. */
  #waiting: Waiting | undefined;
  #since = 0;
  #isParked = false;
  #isIdle = false;
  #isPressed = false;
  #isDraining = false;
  #isCanceled = false;
  #isOver = false;
  /** The `park` that is on its way, or that is to follow once the process is stored. */
  #asked: CheckpointDecision | undefined;
  #storing: Storing | undefined;
  readonly #failed = new FailedCheckpoints();
  #decidesAgain = false;
  /** What the platform knows of a parked run. */
  #parkedAs = "";
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ParkingOptions, said: Said) {
    this.#options = options;
    this.#checkpoint = options.checkpoint ?? DEFAULT_CHECKPOINT;
    this.#said = said;
    options.store?.onTested(() => this.#decide());
  }

  /** The process may be gone in a moment: it should not be disturbed. */
  get isLeaving(): boolean {
    return this.#asked !== undefined && this.#asked.mode !== "hold";
  }

  waiting(message: Waiting, known: number): void {
    // It was said before something arrived that resumes it.
    if (this.#isOver || message.known < known) return;
    if (!this.#waiting) this.#since = performance.now();
    this.#waiting = message;
    this.#storing?.abandon();
    this.#update();
    this.#decide();
  }

  busy(): void {
    this.#waiting = undefined;
    this.#storing?.abandon();
    clearTimeout(this.#timer);
    this.#update();
  }

  drain(): void {
    this.#isDraining = true;
    this.#decide();
  }

  /** The run has its slot; `completions` are about to be handed to it. */
  resumed(completions: JournalCompletion[]): void {
    const wasParked = this.#isParked;
    this.#isParked = false;
    this.#parkedAs = "";
    if (completions.some(({ seq }) => seq > (this.#waiting?.known ?? 0))) this.busy();
    else if (wasParked && this.#waiting) this.#decideIn(LOOK_AGAIN_MS);
    this.#update(wasParked);
  }

  /** Its process is to hear of it, and stays until it has an outcome. */
  cancel(): void {
    this.#isCanceled = true;
    this.#storing?.abandon();
    clearTimeout(this.#timer);
  }

  /** The attempt has ended. */
  end(): void {
    this.#isOver = true;
    this.#storing?.abandon();
    clearTimeout(this.#timer);
  }

  #update(wasParked = this.#isParked): void {
    if (wasParked !== this.#isParked) this.#options.onParked(this.#isParked);
    const isIdle = this.#isParked || this.#waiting !== undefined;
    if (isIdle === this.#isIdle) return;
    this.#isIdle = isIdle;
    this.#options.onIdle(isIdle);
  }

  #decideIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#decide(), Math.ceil(ms));
  }

  #decide(): void {
    const waiting = this.#waiting;
    if (!waiting || this.#isOver || this.#isCanceled) return;
    if (this.#asked) {
      this.#decidesAgain = true;
      return;
    }
    const decision = this.#ask(waiting);
    clearTimeout(this.#timer);
    if (decision.askAgainInMs !== undefined) this.#decideIn(decision.askAgainInMs);
    const ifLost = decideIfLost(this.#checkpoint, waiting.safety);
    const as = JSON.stringify([decision.mode, decision.reason, ifLost]);
    this.#tell(waiting, decision);
    if (this.#isParked && as === this.#parkedAs) return;
    void (decision.mode === "process"
      ? this.#store(waiting, decision, ifLost)
      : this.#park(waiting, decision, ifLost, as));
  }

  #ask(waiting: Waiting): CheckpointDecision {
    const { waits, safety } = waiting;
    const due = waits.flatMap(({ dueAt }) => (dueAt === undefined ? [] : [dueAt]));
    return decideCheckpoint({
      checkpoint: this.#checkpoint,
      safety,
      heldMs: performance.now() - this.#since,
      endsInMs: due.length === 0 ? undefined : Math.min(...due) - Date.now(),
      isDraining: this.#isDraining,
      isPressed: this.#isPressed,
      process: this.#options.store && (this.#failed.obstacle(asSeen(waiting)) ?? this.#options.store.ability),
    });
  }

  async #park(waiting: Waiting, decision: CheckpointDecision, ifLost: IfLost, as: string): Promise<void> {
    this.#asked = decision;
    if (decision.mode === "replay") await this.#options.beforeLeaving();
    const isWanted = this.#waiting === waiting && !this.#isOver;
    const reply = isWanted ? await this.#request(waiting, decision, ifLost) : undefined;
    this.#asked = undefined;
    if (reply) this.#follow(reply, as);
    // It went on while its output was read.
    else if (!this.#isOver) this.#goOn();
  }

  #request(
    { known }: Waiting,
    { mode, reason }: CheckpointDecision,
    ifLost: IfLost,
    checkpoint?: StoredCheckpoint,
  ): Promise<Reply> {
    const { ref, attempt, computeMs, request } = this.#options;
    const park = { type: "park" as const, ...ref, attempt, known, mode, reason, ifLost };
    return request({ ...park, computeMs: Math.round(computeMs()), ...(checkpoint && { checkpoint }) });
  }

  /**
   * Stores the process and names the checkpoint in a `park`. From that request on the process stands still until there is an
   * answer, however long that takes: only one of the two may go on, it or what was stored.
   */
  async #store(waiting: Waiting, decision: CheckpointDecision, ifLost: IfLost): Promise<void> {
    const storing = this.#options.store?.begin();
    if (!storing) return;
    this.#asked = decision;
    this.#storing = storing;
    const stored = await storing.result;
    const isWanted = this.#stillWaits(waiting);
    const isStored = isWanted && !(stored instanceof NotStored);
    const reply = isStored ? await this.#request(waiting, decision, ifLost, stored) : undefined;
    this.#asked = undefined;
    this.#storing = undefined;
    if (reply && hasLeft(reply)) return this.#follow(reply, "");
    void storing.goOn();
    if (this.#isOver) return;
    const failure = stored instanceof NotStored ? stored : reply && whyNotTaken(reply);
    if (isWanted && failure) this.#noteFailure(failure, waiting);
    if (reply?.park) this.#follow(reply, "");
    else this.#goOn();
  }

  #stillWaits(waiting: Waiting): boolean {
    return this.#waiting === waiting && !this.#isOver && !this.#isCanceled;
  }

  #noteFailure(failure: NotStored, waiting: Waiting): void {
    this.#failed.note(failure, asSeen(waiting));
    this.#options.note("warn", failureNote(failure.message));
    this.#decidesAgain = true;
  }

  #follow({ park, error }: Reply, as: string): void {
    if (error?.code === "EXECUTION_FENCED") return this.#options.onFenced();
    if (park?.state === "SUSPENDED") return this.#options.onSuspended();
    if (this.#isOver) return;
    this.#isPressed = park?.isPressed ?? false;
    if (park?.state === "PARKED") {
      const wasParked = this.#isParked;
      this.#isParked = true;
      this.#parkedAs = as;
      this.#update(wasParked);
      return this.#goOn();
    }
    const completions = park?.completions ?? [];
    this.resumed(completions);
    this.#options.onNews(completions);
    if (this.#waiting) this.#decideIn(LOOK_AGAIN_MS);
    this.#goOn();
  }

  /** After a `park` that did not end the execution. */
  #goOn(): void {
    if (this.#decidesAgain || (this.#isParked && this.#isPressed)) {
      this.#decidesAgain = false;
      this.#decide();
    }
    if (!this.isLeaving) this.#options.onStays();
  }

  /** On the run's trace: what was decided, where it differs from before, and what would have to change. */
  #tell({ waits, safety }: Waiting, decision: CheckpointDecision): void {
    const { reason } = decision;
    const said = `${decision.mode} ${reason}`;
    if (said !== this.#said.decision) {
      const why = reason === "CHECKPOINT_UNAVAILABLE" ? this.#options.store?.why : undefined;
      const { mode } = decision;
      this.#options.note("info", decisionNote(waits, decision, why), { checkpoint: { mode, reason } });
    }
    this.#said.decision = said;
    if (HELD_FOR_LINES.includes(reason)) for (const effect of safety.unsafe) this.#warn(effect);
  }

  #warn(effect: UnsafeEffect): void {
    const line = effect.line ?? effect.what;
    if (this.#said.lines.has(line) || this.#said.lines.size >= WARNINGS) return;
    this.#said.lines.add(line);
    this.#options.note("warn", unsafeWarning(effect));
  }
}

function asSeen(waiting: Waiting): WaitAsSeen {
  return { known: waiting.known, said: JSON.stringify(waiting) };
}

/** The run has left this worker. */
function hasLeft({ park, error }: Reply): boolean {
  return park?.state === "SUSPENDED" || error?.code === "EXECUTION_FENCED";
}

/** The answer to a `park` of a stored process; undefined where the run goes on. */
function whyNotTaken({ park, error }: Reply): NotStored | undefined {
  if (error?.code === "LIMIT_EXCEEDED") return new NotStored("CHECKPOINT_TOO_LARGE", error.message);
  if (error) return new NotStored("CHECKPOINT_FAILED", error.message);
  return park?.state === "PARKED" ? new NotStored("CHECKPOINT_FAILED", "the platform did not take it") : undefined;
}
