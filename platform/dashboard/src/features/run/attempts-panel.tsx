import { Badge } from "../../ui/badge.tsx";
import { EmptyState } from "../../ui/empty-state.tsx";
import { formatDuration } from "../../ui/format.ts";
import { AbsoluteTime } from "../../ui/time.tsx";
import { ErrorView } from "./error/error-view.tsx";
import classes from "./run-page.module.css";
import type { RunView } from "./run-view.ts";

const TONES: Record<string, "success" | "neutral" | "warning"> = {
  COMPLETED: "success",
  CANCELED: "neutral",
  DEFERRED: "neutral",
  LOST: "warning",
};
const WORDS: Record<string, string> = {
  LOST: "Its worker was lost; the attempt went on elsewhere.",
  DEFERRED: "It was put back and went on later.",
};

/** How each try ended, the latest first. */
export function AttemptsPanel({ run }: { run: RunView }) {
  const attempts = [...(run.attempts ?? [])].reverse();
  if (attempts.length === 0)
    return (
      <EmptyState icon="play" title="No attempt has ended">
        {run.startedAt === undefined ? "The run has not started." : "The first one goes on."}
      </EmptyState>
    );
  return (
    <ol className={classes.attempts}>
      {attempts.map((attempt) => (
        <li key={`${attempt.number}-${attempt.startedAt}`}>
          <div className={classes.attempt}>
            <h3>Attempt {attempt.number}</h3>
            <Badge tone={TONES[attempt.outcome] ?? "danger"}>{attempt.outcome}</Badge>
            <span className="muted">
              <AbsoluteTime at={attempt.startedAt} />,{" "}
              {formatDuration(Date.parse(attempt.finishedAt) - Date.parse(attempt.startedAt))}
              {attempt.retryDelayMs !== undefined && `, tried again after ${formatDuration(attempt.retryDelayMs)}`}
            </span>
          </div>
          {WORDS[attempt.outcome] !== undefined && <p className="muted">{WORDS[attempt.outcome]}</p>}
          {attempt.error !== undefined && <ErrorView error={attempt.error} />}
        </li>
      ))}
    </ol>
  );
}
