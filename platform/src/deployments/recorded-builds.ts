import type { Logger } from "pino";
import type { Clock } from "../clock.ts";
import { AppError } from "../errors.ts";
import { newUuid } from "../ids.ts";
import type { BuildLine, BuildOutcome, BuildStore } from "./build-store.ts";
import type { DeployProgress, DeployService } from "./deploy-service.ts";

/** A sign of life for builds that say nothing; the store holds one that is silent for a minute to be cut off. */
const ALIVE_MS = 15_000;
const MAX_LINES = 10_000;
const MAX_CHARACTERS = 4_000;

interface RecordDeps {
  builds: BuildStore;
  clock: Clock;
  logger: Pick<Logger, "warn">;
}

/** A deploy service that keeps what builds say. What cannot be kept is no reason to fail a build: it is logged. */
export function recordedBuilds(deploys: DeployService, deps: RecordDeps): DeployService {
  return {
    ...deploys,
    async build(environment, request, progress, signal) {
      const id = newUuid(deps.clock.now());
      const begun = { id, contentHash: request.contentHash, taskCount: request.manifest.tasks.length };
      const record = new BuildRecord(id, deps, () => deps.builds.begin(environment.id, begun));
      try {
        const built = await deploys.build(environment, request, record.follow(progress), signal);
        await record.end({ status: "DEPLOYED", version: built.deployment.version, isNew: built.isNew });
        return built;
      } catch (error) {
        await record.end({ status: signal.aborted ? "CANCELED" : "FAILED", error: reasonOf(error) });
        throw error;
      }
    },
  };
}

/** One build's lines on their way to the store: while some are written, the next gather. */
class BuildRecord {
  readonly #id: string;
  readonly #deps: RecordDeps;
  #waiting: BuildLine[] = [];
  #count = 0;
  #isBroken = false;
  #written: Promise<void>;
  readonly #alive: NodeJS.Timeout;

  constructor(id: string, deps: RecordDeps, begin: () => Promise<void>) {
    this.#id = id;
    this.#deps = deps;
    this.#written = this.#safely(begin);
    this.#alive = setInterval(() => this.#flush(), ALIVE_MS).unref();
  }

  follow(progress: DeployProgress): DeployProgress {
    return {
      step: (step, message) => {
        progress.step(step, message);
        this.#add({ step, message });
      },
      log: (line) => {
        progress.log(line);
        this.#add({ step: undefined, message: line });
      },
    };
  }

  async end(outcome: BuildOutcome): Promise<void> {
    clearInterval(this.#alive);
    this.#flush();
    await this.#written;
    await this.#safely(() => this.#deps.builds.end(this.#id, outcome));
  }

  #add({ step, message }: Pick<BuildLine, "step" | "message">): void {
    if (this.#count + this.#waiting.length >= MAX_LINES) return;
    const isFirst = this.#waiting.length === 0;
    this.#waiting.push({ step, message: message.slice(0, MAX_CHARACTERS), at: new Date(this.#deps.clock.now()) });
    if (isFirst) this.#flush();
  }

  /** Takes what has gathered by the time that the write before it is done. */
  #flush(): void {
    this.#written = this.#written.then(() =>
      this.#safely(async () => {
        const lines = this.#waiting;
        this.#waiting = [];
        await this.#deps.builds.append(this.#id, this.#count, lines);
        this.#count += lines.length;
      }),
    );
  }

  async #safely(write: () => Promise<void>): Promise<void> {
    if (this.#isBroken) return;
    try {
      await write();
    } catch (err) {
      this.#isBroken = true;
      this.#deps.logger.warn({ err, build: this.#id }, "What a build says cannot be kept.");
    }
  }
}

function reasonOf(error: unknown): { code: string; message: string } {
  const { message } = error instanceof Error ? error : new Error(String(error));
  return error instanceof AppError
    ? { code: error.code, message }
    : { code: "INTERNAL", message: "The platform's log says more." };
}
