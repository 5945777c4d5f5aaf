import type { OpenWait } from "@gantry/sdk/contract";
import { inOwnRegion } from "@gantry/sdk/task";
import type { FromTaskProcess, Safety } from "./process-messages.ts";
import type { Watch } from "./watch/watch.ts";

/** A run idles when nothing has happened for this long: the next call of the SDK often follows at once. */
const QUIET_MS = 10;
/** How often a process that is busy beside its waits looks whether it still is. */
const LOOK_AGAIN_MS = 500;

export interface Idle {
  waits: OpenWait[];
  /** The last completion that was handed to the code. */
  known: () => number;
}

type Waiting = Extract<FromTaskProcess, { t: "waiting" }>;

/**
 * Tells the runner when a run does nothing but wait, and when it goes on.
 *
 * Where the process is watched the watch says whether it is quiet; elsewhere a run is quiet when it calls nothing of the
 * journal for a moment, and nobody knows whether a replay would repeat something.
 */
export class IdleReport {
  readonly watch: Watch | undefined;
  readonly #send: (message: FromTaskProcess) => void;
  #idle: Idle | undefined;
  #told: Waiting | undefined;
  /** What the runner heard last, where it heard anything. */
  #hasTold = false;
  #looking: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `send` sends first whatever must arrive before the process may be ended. */
  constructor(watch: Watch | undefined, send: (message: FromTaskProcess) => void) {
    this.watch = watch;
    this.#send = send;
    // Background work may do something that a replay would repeat after the runner was told that nothing was.
    if (watch) watch.onUnsafe = () => this.disturbed();
  }

  /** Undefined: the run goes on. */
  set(idle: Idle | undefined): void {
    this.#idle = idle;
    if (idle) return this.#listen();
    this.#stop();
    if (this.#told) this.#send({ t: "busy" });
    this.#told = undefined;
  }

  /** The code did something, or is about to: `isNews` is what the runner counts as going on. */
  disturbed({ isNews = false } = {}): void {
    if (isNews) this.#told = undefined;
    if (this.#idle) this.#listen();
  }

  /** After a reconnect. */
  unsaid(): FromTaskProcess[] {
    if (this.#told) return [this.#told];
    return this.#hasTold ? [{ t: "busy" }] : [];
  }

  end(): void {
    this.#idle = undefined;
    this.#stop();
  }

  #stop(): void {
    this.#looking?.abort();
    this.#looking = undefined;
    clearTimeout(this.#timer);
  }

  #listen(): void {
    this.#stop();
    const looking = new AbortController();
    this.#looking = looking;
    inOwnRegion(() => {
      const quiet = this.watch?.quiet(QUIET_MS, looking.signal);
      if (!quiet) this.#timer = setTimeout(() => this.#tell(), QUIET_MS);
      else void quiet.then(() => !looking.signal.aborted && this.#tell());
    });
  }

  #tell(): void {
    const idle = this.#idle;
    if (!idle) return;
    const message: Waiting = { t: "waiting", known: idle.known(), waits: idle.waits, safety: this.#safety() };
    if (JSON.stringify(message) !== JSON.stringify(this.#told)) {
      this.#told = message;
      this.#hasTold = true;
      this.#send(message);
    }
    // What still is under way may end, or do something that a replay would repeat.
    if (message.safety.isBusy) this.#timer = setTimeout(() => this.#listen(), LOOK_AGAIN_MS);
  }

  #safety(): Safety {
    const { watch } = this;
    if (!watch) return { isWatched: false, unsafe: [], isBusy: false };
    return { isWatched: true, unsafe: watch.unsafe(), isBusy: watch.isBusy() };
  }
}
