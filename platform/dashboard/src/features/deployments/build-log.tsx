import type { BuildStatus } from "@gantry/sdk/contract";
import { useEffect, useRef } from "react";
import { QueryView } from "../../queries/query-view.tsx";
import { Card } from "../../ui/card.tsx";
import { CopyButton } from "../../ui/copy-button.tsx";
import { Icon } from "../../ui/icon.tsx";
import { Notice } from "../../ui/notice.tsx";
import { Row } from "../../ui/page.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { Duration } from "../../ui/time.tsx";
import { BuildBadge } from "./build-badge.tsx";
import { type BuildStep, buildRemedy, groupSteps } from "./build-facts.ts";
import classes from "./deployments.module.css";
import { useBuildLog } from "./use-deployments.ts";

/** What a build says, step by step; it grows while the build goes on. */
export function BuildLog({ buildId }: { buildId: string }) {
  const query = useBuildLog(buildId);
  return (
    <QueryView query={query} failed="The build could not be loaded" skeleton={<Skeleton height={280} />}>
      {({ build, lines }) => {
        const steps = groupSteps(lines, build.endedAt);
        const remedy = build.error && buildRemedy(build.error.code);
        return (
          <>
            {build.error && (
              <Notice tone="danger" icon="alert">
                <b>{build.error.code}</b> {build.error.message} {remedy}
              </Notice>
            )}
            <Card
              isFlush
              title={
                <Row>
                  Build log <BuildBadge build={build} />
                </Row>
              }
              hint={
                <>
                  {build.taskCount} {build.taskCount === 1 ? "task" : "tasks"},{" "}
                  <Duration from={build.startedAt} to={build.endedAt} />
                </>
              }
              actions={<CopyButton text={lines.map(({ message }) => message).join("\n")} label="Copy the log" />}
            >
              <div className={classes.steps}>
                {steps.map((step, index) => (
                  <Step
                    key={step.startedAt.getTime() + step.step}
                    step={step}
                    isLast={index === steps.length - 1}
                    status={build.status}
                  />
                ))}
                {steps.length === 0 && <p className={classes.none}>It has said nothing yet.</p>}
              </div>
            </Card>
          </>
        );
      }}
    </QueryView>
  );
}

function Step({ step, isLast, status }: { step: BuildStep; isLast: boolean; status: BuildStatus }) {
  const head = (
    <>
      <StepIcon isLast={isLast} status={status} />
      <span>{step.message}</span>
      <span className={classes.took}>
        <Duration from={step.startedAt} to={step.endedAt} />
      </span>
    </>
  );
  if (step.lines.length === 0)
    return (
      <div className={classes.step}>
        <div className={classes.plain}>{head}</div>
      </div>
    );
  return (
    <details className={classes.step} open={isLast && status !== "DEPLOYED" ? true : undefined}>
      <summary>
        {head}
        <Icon name="chevron-down" className={classes.chevron} />
      </summary>
      <Lines step={step} isLive={isLast && status === "BUILDING"} />
    </details>
  );
}

function StepIcon({ isLast, status }: { isLast: boolean; status: BuildStatus }) {
  if (!isLast || status === "DEPLOYED") return <Icon name="check-circle" className={classes.done} label="done" />;
  if (status === "BUILDING") return <Icon name="spinner" className={classes.live} label="under way" />;
  return <Icon name="x-circle" className={classes.bad} label="failed" />;
}

/** The log of a step that goes on is scrolled to its end, unless somebody has scrolled up. */
function Lines({ step, isLive }: { step: BuildStep; isLive: boolean }) {
  const box = useRef<HTMLPreElement>(null);
  const isAtEnd = useRef(true);
  useEffect(() => {
    if (isLive && isAtEnd.current) box.current?.scrollTo({ top: box.current.scrollHeight });
  }, [step.lines.length, isLive]);
  return (
    <pre
      ref={box}
      className={classes.log}
      tabIndex={0}
      onScroll={({ currentTarget: { scrollTop, clientHeight, scrollHeight } }) => {
        isAtEnd.current = scrollTop + clientHeight > scrollHeight - 24;
      }}
    >
      {step.lines.map(({ message }) => message).join("\n")}
    </pre>
  );
}
