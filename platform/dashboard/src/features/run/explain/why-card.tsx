import type { JournalItem } from "@gantry/sdk";
import { useState } from "react";
import { PlaceLink } from "../../../layout/place-link.tsx";
import { Badge } from "../../../ui/badge.tsx";
import { cx } from "../../../ui/class-names.ts";
import { Icon } from "../../../ui/icon.tsx";
import { RUN_STATUS_LOOK } from "../../../ui/run-status-look.ts";
import { RunsLink } from "../place-links.tsx";
import { isHeldBack, type RunView } from "../run-view.ts";
import { Countdown } from "../timeline/timeline-row.tsx";
import { useExplanation } from "../use-run.ts";
import { checkpointFacts, isWorkerReason } from "./checkpoint-facts.ts";
import { CheckpointPart } from "./checkpoint-part.tsx";
import { type OpenWait, openWaits, type Reason, type ReasonTarget, reasonWords } from "./explain-words.ts";
import classes from "./why-card.module.css";

interface WhyCardProps {
  run: RunView;
  journal: readonly JournalItem[];
}

/**
 * What a run is about: what it waits for, which limit holds it, what became of its process; or what it executes. It stays for
 * as long as the page does, so that nothing below it moves whenever a run waits and goes on. Nothing for one that had ended.
 */
export function WhyCard({ run, journal }: WhyCardProps) {
  const { data } = useExplanation(run);
  const [wasLive] = useState(!run.isCompleted);
  if (!wasLive) return null;
  if (!isHeldBack(run)) return <NowCard run={run} journal={journal} />;
  const waits = openWaits(data);
  const checkpoint = checkpointFacts(run.checkpoint, data);
  const reasons = (data?.reasons ?? []).filter(({ reason }) => !isWorkerReason(reason));
  return (
    <section className={cx(classes.card, classes.waiting)} aria-label="Why it waits">
      <Icon name="hourglass" className={classes.icon} />
      <div className={classes.content}>
        <h2>Why it waits</h2>
        {data === undefined && <p className="muted">Asking the platform…</p>}
        <ul className={classes.reasons}>
          {reasons.map((reason) => (
            <ReasonItem
              key={reason.reason}
              run={run}
              reason={reason}
              isSaidBelow={waits.length > 0 && reason.reason === "WAITING"}
            />
          ))}
        </ul>
        {waits.length > 0 && <Waits waits={waits} />}
        {checkpoint && run.status === "WAITING" && <CheckpointPart facts={checkpoint} />}
        {(data?.position ?? 0) > 0 && (
          <p className={classes.position}>
            {data?.position === 1 ? "1 run is" : `${data?.position} runs are`} ahead of it in its queue.
          </p>
        )}
      </div>
    </section>
  );
}

/** The same place while the run executes, and once it has ended. */
function NowCard({ run, journal }: WhyCardProps) {
  const look = RUN_STATUS_LOOK[run.status];
  const steps = journal.filter(({ kind }) => kind === "step");
  const last = steps.at(-1);
  return (
    <section className={classes.card} aria-label="Now">
      <Icon name={look.icon} className={classes.icon} />
      <div className={classes.content}>
        <h2>{look.text}</h2>
        <p className={classes.message}>{look.meaning}</p>
        {last !== undefined && (
          <p className={classes.message}>
            {steps.length === 1 ? "1 step" : `${steps.length} steps`} so far, the last: <strong>{last.label}</strong>
          </p>
        )}
      </div>
    </section>
  );
}

interface ReasonItemProps {
  run: RunView;
  reason: Reason;
  /** Its details have a place of their own. */
  isSaidBelow: boolean;
}

function ReasonItem({ run, reason, isSaidBelow }: ReasonItemProps) {
  const words = reasonWords(reason.reason);
  return (
    <li>
      <span className={cx(classes.reason, classes[words.tone])}>{words.title}</span>{" "}
      <Badge tone={words.tone}>{reason.reason}</Badge>
      {!isSaidBelow && <p className={classes.message}>{reason.message}</p>}
      {(words.remedy !== undefined || words.target !== undefined) && (
        <p className={classes.remedy}>
          {words.remedy} {words.target !== undefined && <Target run={run} target={words.target} />}
        </p>
      )}
    </li>
  );
}

/** Where that can be changed, or looked at. */
function Target({ run, target }: { run: RunView; target: ReasonTarget }) {
  switch (target) {
    case "queue":
      return run.queue === undefined ? null : (
        <>
          <PlaceLink page="queues" search={{ queue: run.queue }}>
            Queue {run.queue}
          </PlaceLink>
          {" · "}
          <RunsLink search={{ queue: run.queue, status: "EXECUTING,DEQUEUED" }}>what executes in it</RunsLink>
        </>
      );
    case "queues":
      return (
        <>
          <PlaceLink page="queues">Queues and limits</PlaceLink>
          {" · "}
          <RunsLink search={{ status: "EXECUTING,DEQUEUED" }}>what executes</RunsLink>
        </>
      );
    case "deployments":
      return <PlaceLink page="deployments">Deployments</PlaceLink>;
    case "limits":
      return <PlaceLink page="limits">Limits</PlaceLink>;
    case "waiting":
      return <RunsLink search={{ status: "WAITING" }}>Waiting runs</RunsLink>;
    case "cluster":
      return <PlaceLink page="cluster">Cluster</PlaceLink>;
  }
}

const WAIT_WORDS: Record<string, string> = {
  time: "for",
  token: "for a token",
  child: "for a run of",
  batch: "for a batch of",
};

function Waits({ waits }: { waits: readonly OpenWait[] }) {
  return (
    <ul className={classes.waits}>
      {waits.slice(0, 8).map((wait, index) => (
        // Several may be the same.
        <li key={index}>
          {WAIT_WORDS[wait.kind] ?? wait.kind} <strong>{wait.label}</strong>
          {wait.dueAt && (
            <>
              {" "}
              · <Countdown atMs={wait.dueAt.getTime()} />
            </>
          )}
        </li>
      ))}
      {waits.length > 8 && <li className="muted">and {waits.length - 8} more</li>}
    </ul>
  );
}
