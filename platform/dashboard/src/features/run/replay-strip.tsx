import { PlaceButton, RunLink } from "../../layout/place-link.tsx";
import { IconButton } from "../../ui/button.tsx";
import { Icon } from "../../ui/icon.tsx";
import { StatusBadge } from "../../ui/status-badge.tsx";
import { Duration } from "../../ui/time.tsx";
import { failsWith } from "./run-facts.ts";
import classes from "./run-page.module.css";
import { useActivity, useLiveRun } from "./use-run.ts";

interface ReplayStripProps {
  runId: string;
  /** Of the run that was replayed: another version is worth saying. */
  version: string | undefined;
  onClose: () => void;
}

/** A replay of the run, live, beside what it is to be compared with. */
export function ReplayStrip({ runId, version, onClose }: ReplayStripProps) {
  const { run, activity } = useLiveRun(runId);
  const { journal } = useActivity(activity);
  const steps = journal.filter(({ kind }) => kind === "step");
  const last = steps.at(-1);
  return (
    <section className={classes.strip} aria-label="Replay" data-status={run?.status}>
      <Icon name="replay" />
      <span>
        Replay <RunLink runId={runId} isShort />
      </span>
      {run === undefined ? (
        <span className="muted">Loading…</span>
      ) : (
        <>
          <StatusBadge status={run.status} />
          <Duration from={run.startedAt ?? run.createdAt} to={run.finishedAt} />
          {run.version !== undefined && run.version !== version && <span>on version {run.version}</span>}
          {last !== undefined && (
            <span className="muted">
              {steps.length} {steps.length === 1 ? "step" : "steps"}, last: {last.label}
            </span>
          )}
          {run.error !== undefined && <span className={classes.stripError}>{failsWith(run.error)}</span>}
        </>
      )}
      <span className={classes.stripEnd}>
        <PlaceButton page="runs/$runId" params={{ runId }} size="sm" icon="arrow-right">
          Open
        </PlaceButton>
        <IconButton icon="x" size="sm" label="Put the replay away" onClick={onClose} />
      </span>
    </section>
  );
}
