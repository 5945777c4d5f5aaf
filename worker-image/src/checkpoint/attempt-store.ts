import type { ProcessAbility } from "../checkpoint-policy.ts";
import type { ProcessStore, Storing } from "../parking.ts";
import type { AttemptRef } from "../process-messages.ts";
import type { TaskChild } from "../task-child.ts";
import { NotStored } from "./not-stored.ts";
import type { CheckpointSubject } from "./process-checkpoint.ts";
import type { RunnerCheckpoints } from "./runner-checkpoints.ts";
import { storedChild } from "./stored-child.ts";

/** An attempt whose process may be stored. */
export interface StoredAttempt {
  ref: CheckpointSubject["ref"];
  from: AttemptRef;
  child(): TaskChild | undefined;
  request: CheckpointSubject["request"];
  /** Takes over what it has written. */
  readAll(child: TaskChild): Promise<void>;
  /** It stands still, or is about to: nothing is asked of it. */
  stands(isStanding: boolean): void;
}

/** What an execution lets be done with its process. */
export class AttemptStore implements ProcessStore {
  readonly #checkpoints: RunnerCheckpoints;
  readonly #attempt: StoredAttempt;

  constructor(checkpoints: RunnerCheckpoints, attempt: StoredAttempt) {
    this.#checkpoints = checkpoints;
    this.#attempt = attempt;
  }

  get ability(): ProcessAbility {
    return this.#checkpoints.ability;
  }

  get why(): string | undefined {
    return this.#checkpoints.report?.reason;
  }

  onTested(listener: () => void): void {
    this.#checkpoints.onTested(() => listener());
  }

  begin(): Storing {
    const { child: current, ref, from, request, readAll, stands } = this.#attempt;
    const child = current();
    if (!child) return NOTHING;
    stands(true);
    const process = storedChild(child, () => readAll(child));
    const checkpoint = this.#checkpoints.begin({ ref, from, request, process });
    return {
      result: checkpoint.result,
      abandon: () => checkpoint.abandon(),
      goOn: () => checkpoint.goOn().finally(() => stands(false)),
    };
  }
}

const NOTHING: Storing = {
  result: Promise.resolve(new NotStored("CHECKPOINT_FAILED", "there is no process")),
  abandon: () => undefined,
  goOn: () => Promise.resolve(),
};
