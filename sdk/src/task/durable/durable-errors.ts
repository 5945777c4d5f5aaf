/** What a durable call may be refused with. None of these is retried: the code has to change. */
import { TaskExecutionError } from "../errors.ts";

export function ambiguousStep(key: string): TaskExecutionError {
  return new TaskExecutionError(
    "AMBIGUOUS_STEP",
    `Two steps called "${key}" are open at once, so a replay could not tell them apart. Give each a name of its own, step.run(\`${key}-\${id}\`, …), or a key in its options.`,
  );
}

export function nestedCall(what: string, step: string): TaskExecutionError {
  return new TaskExecutionError(
    "NESTED_DURABLE_CALL",
    `${what} was called inside the step "${step}". A step is repeated as a whole: call it beside the step, not in it.`,
  );
}

export function calledAfterEnd(what: string): TaskExecutionError {
  return new TaskExecutionError(
    "CALLED_AFTER_END",
    `${what} was called after the run's function had ended. Is an await missing?`,
  );
}

export function durableUnavailable(what: string): TaskExecutionError {
  return new TaskExecutionError(
    "DURABLE_UNAVAILABLE",
    `${what} cannot wait here: this code runs for a run that has ended, which cannot wait any more.`,
  );
}

export function invalidStep(reason: string): TaskExecutionError {
  return new TaskExecutionError("INVALID_STEP", reason);
}

export function valueTooLarge(step: string, bytes: number, limit: number): TaskExecutionError {
  return new TaskExecutionError(
    "JOURNAL_VALUE_TOO_LARGE",
    `What the step "${step}" returned is ${bytes} bytes; the limit (journalValueBytes) is ${limit}. Store it elsewhere and return where it is.`,
  );
}

/** `recorded` and `came` name calls as people know them: `step "charge"`. */
export function unreachedCall(recorded: string, came: readonly string[]): TaskExecutionError {
  const instead = came.length === 0 ? "It made no other call" : `It called ${came.join(", ")} instead`;
  return new TaskExecutionError(
    "JOURNAL_MISMATCH",
    `The run's function took another way than its journal has recorded. It did not call ${recorded}. ${instead}. What decides the way (time, randomness, what other systems say) belongs into a step.`,
  );
}

export function otherInput(call: string, recorded: string, came: string): TaskExecutionError {
  return new TaskExecutionError(
    "JOURNAL_MISMATCH",
    `The run's function called ${call} with another input than its journal has recorded: ${came} instead of ${recorded}.`,
  );
}

/** What the journal said to an entry that it did not store. */
export function notRecorded(what: string, reason: unknown): TaskExecutionError {
  const { code, message } = (reason ?? {}) as { code?: unknown; message?: unknown };
  return new TaskExecutionError(
    typeof code === "string" ? code : "JOURNAL_UNAVAILABLE",
    `The journal did not take ${what}: ${typeof message === "string" ? message : String(reason)}`,
    reason,
  );
}
