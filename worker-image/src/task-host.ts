import { DEFAULT_LIMITS, type Grant, type RunEvent } from "@gantry/sdk/contract";
import { inOwnRegion, type TaskHost } from "@gantry/sdk/task";
import { AttemptJournal } from "./attempt-journal.ts";
import { IdleReport } from "./idle-report.ts";
import type { MetadataChange } from "./process-messages.ts";
import type { RunnerConnection } from "./runner-connection.ts";
import { WaitingMetadata } from "./waiting-metadata.ts";
import type { Watch } from "./watch/watch.ts";

/** As often as a change reaches those who watch (REALTIME_COALESCE_MS); what is set in between is sent as one. */
const METADATA_EVERY_MS = 50;

/** What one attempt may ask of its surroundings. After `end` it is deaf: output of un-awaited code belongs to no attempt. */
export class AttemptHost implements TaskHost {
  /** Called before the token is used. */
  beforeUse: (() => void) | undefined;
  readonly drainSignal: AbortSignal;
  /** A hook of a run that has ended cannot wait. */
  readonly journal: AttemptJournal | undefined;
  #api: { url: string; token: string };
  readonly #connection: RunnerConnection;
  readonly #metadata = new WaitingMetadata();
  #lines = 0;
  #bytes = 0;
  #metadataSentAt = 0;
  #metadataTimer: NodeJS.Timeout | undefined;
  #hasEnded = false;

  constructor(options: {
    connection: RunnerConnection;
    apiUrl: string;
    grant: Grant;
    drainSignal: AbortSignal;
    watch: Watch | undefined;
  }) {
    const { connection, apiUrl, grant, drainSignal, watch } = options;
    this.#connection = connection;
    this.#api = { url: apiUrl, token: grant.runToken };
    this.drainSignal = drainSignal;
    if (grant.run.failureHook) return;
    const idle = new IdleReport(watch, (message) => {
      // The process may be ended after this: nothing may be left in it.
      this.#sendMetadata();
      connection.sendIfOpen(message);
    });
    this.journal = new AttemptJournal(connection, grant.journal, idle);
  }

  get api(): { url: string; token: string } {
    this.beforeUse?.();
    return this.#api;
  }

  /** The attempt goes on under another execution. */
  goOn(runToken: string): void {
    this.#api = { ...this.#api, token: runToken };
  }

  emit(event: RunEvent): void {
    if (this.#hasEnded || !this.#hasRoom(event)) return;
    this.#connection.send({ t: "events", events: [event] });
  }

  /** The runner marks the end of the logs; this only keeps a runaway loop from filling the socket's buffer. */
  #hasRoom(event: RunEvent): boolean {
    const isFull = this.#lines > DEFAULT_LIMITS.logLinesPerAttempt || this.#bytes > DEFAULT_LIMITS.logBytesPerAttempt;
    this.#lines += 1;
    this.#bytes += event.message.length + (event.data?.length ?? 0);
    return !isFull;
  }

  metadata(change: MetadataChange): void {
    if (this.#hasEnded) return;
    this.#metadata.add(change);
    if (this.#metadataTimer) return;
    const waitMs = this.#metadataSentAt + METADATA_EVERY_MS - performance.now();
    if (waitMs <= 0 && this.#metadataSentAt > 0) return this.#sendMetadata();
    // The first change waits for the end of this turn: a function often sets several keys in a row.
    const pauseMs = Math.max(0, this.#metadataSentAt === 0 ? 0 : waitMs);
    inOwnRegion(() => {
      this.#metadataTimer = setTimeout(() => this.#sendMetadata(), pauseMs).unref();
    });
  }

  #sendMetadata(): void {
    clearTimeout(this.#metadataTimer);
    this.#metadataTimer = undefined;
    if (this.#metadata.isEmpty) return;
    this.#metadataSentAt = performance.now();
    this.#connection.send({ t: "metadata", ...this.#metadata.take() });
  }

  /** What is held back for a moment goes out now. */
  sendWaiting(): void {
    this.#sendMetadata();
  }

  flush(): Promise<void> {
    this.#sendMetadata();
    return this.#connection.flush();
  }

  /** Sends what waits; nothing is taken after it. */
  end(): void {
    this.#sendMetadata();
    this.journal?.end();
    this.#hasEnded = true;
  }
}
