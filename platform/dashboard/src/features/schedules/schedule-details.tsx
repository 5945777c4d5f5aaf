import type { ScheduleItem } from "@gantry/sdk";
import { PlaceLink, RunLink } from "../../layout/place-link.tsx";
import { QueryView } from "../../queries/query-view.tsx";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { KeyValueList } from "../../ui/key-value.tsx";
import { Notice } from "../../ui/notice.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { StatusBadge } from "../../ui/status-badge.tsx";
import { AbsoluteTime, RelativeTime } from "../../ui/time.tsx";
import { cronWords } from "./cron-words.ts";
import { Times } from "./next-times.tsx";
import classes from "./schedules.module.css";
import { useScheduleRuns } from "./use-schedules.tsx";

interface ScheduleDetailsProps {
  schedule: ScheduleItem;
  onClose: () => void;
  onEdit: (() => void) | undefined;
}

const OVERLAPS = {
  allow: "the next starts beside it",
  skip: "the next is left out",
  queue: "one waits until it has ended",
  cancelRunning: "it is canceled",
} as const;

const CATCH_UPS = {
  none: () => "what was missed is left out",
  last: (within: string) => `the last one missed starts, if it is not older than ${within}`,
  all: (within: string) => `all that were missed within ${within} start`,
} as const;

/** One schedule: when it comes next, what it started, how it is set. */
export function ScheduleDetails({ schedule, onClose, onEdit }: ScheduleDetailsProps) {
  const { generator, timezone, upcoming, active, overlap, catchUp, jitter, externalId, deduplicationKey } = schedule;
  return (
    <Dialog
      isOpen
      size="lg"
      onClose={onClose}
      title={`Schedule of ${schedule.task}`}
      footer={
        onEdit && (
          <Button icon="edit" onClick={onEdit}>
            Change…
          </Button>
        )
      }
    >
      {schedule.type === "DECLARATIVE" && (
        <Notice tone="info" icon="code">
          Declared in the code of <b>{schedule.task}</b>: change it there and deploy. It can be paused and run here.
        </Notice>
      )}
      <div className={classes.detail}>
        <section>
          <h3>{cronWords(generator.expression) ?? generator.expression}</h3>
          {active ? <Times times={upcoming} timezone={timezone} /> : <p className="muted">Paused: nothing is due.</p>}
        </section>
        <section>
          <h3>Last runs</h3>
          <LastRuns scheduleId={schedule.id} />
        </section>
      </div>
      <KeyValueList
        items={[
          { key: "Pattern", value: <code>{generator.expression}</code> },
          { key: "Time zone", value: timezone },
          { key: "While a run goes on", value: OVERLAPS[overlap] },
          { key: "After downtime", value: CATCH_UPS[catchUp.policy](catchUp.within) },
          { key: "Jitter", value: jitter },
          { key: "Your id", value: externalId },
          { key: "Deduplication key", value: deduplicationKey && <code>{deduplicationKey}</code> },
          { key: "Id", value: <span className="mono">{schedule.id}</span> },
          { key: "Last due", value: schedule.lastRun && <AbsoluteTime at={schedule.lastRun} /> },
        ]}
      />
    </Dialog>
  );
}

function LastRuns({ scheduleId }: { scheduleId: string }) {
  const query = useScheduleRuns(scheduleId);
  return (
    <QueryView query={query} failed="Its runs could not be loaded" skeleton={<SkeletonRows rows={5} height={27} />}>
      {(runs) =>
        runs.length === 0 ? (
          <p className="muted">It has started no run yet.</p>
        ) : (
          <>
            <ul className={classes.runs}>
              {runs.map(({ id, status, createdAt }) => (
                <li key={id}>
                  <StatusBadge status={status} />
                  <RunLink runId={id} isShort />
                  <span className="muted">
                    <RelativeTime at={createdAt} />
                  </span>
                </li>
              ))}
            </ul>
            <PlaceLink page="runs" search={{ schedule: scheduleId }}>
              All its runs
            </PlaceLink>
          </>
        )
      }
    </QueryView>
  );
}
