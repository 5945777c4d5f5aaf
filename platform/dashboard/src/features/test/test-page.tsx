import { useNavigate, useSearch } from "@tanstack/react-router";
import { Card } from "../../ui/card.tsx";
import { EmptyState } from "../../ui/empty-state.tsx";
import { ErrorState } from "../../ui/error-state.tsx";
import { Page } from "../../ui/page.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { LiveRunCard } from "./live-run-card.tsx";
import { TaskPicker } from "./task-picker.tsx";
import { TestForm } from "./test-form-card.tsx";
import classes from "./test-page.module.css";
import { useTask } from "./use-task-schema.ts";

interface TestSearch {
  task?: string | undefined;
  /** The run that was started last, shown beside the form. */
  run?: string | undefined;
}

/** Runs a task by hand: pick it, write its payload, and see the run beside it. */
export default function TestPage() {
  const { task: taskId, run } = useSearch({ strict: false }) as TestSearch;
  const navigate = useNavigate();
  const go = (change: TestSearch) =>
    void navigate({ to: ".", search: ((before: object) => ({ ...before, ...change })) as never, replace: true });
  const task = useTask(taskId);
  return (
    <Page title="Test" description="Run a task by hand, with a payload of your own.">
      <div className={classes.columns}>
        <TaskPicker selected={taskId} onSelect={(id) => go({ task: id })} />
        <div className={classes.form}>
          {taskId === undefined && (
            <Card>
              <EmptyState icon="flask" title="Pick a task">
                Its payload's schema is known here: keys and values are completed as you type, and what does not fit is
                marked.
              </EmptyState>
            </Card>
          )}
          {taskId !== undefined && task.isPending && <SkeletonRows rows={6} />}
          {task.error && (
            <ErrorState error={task.error} title="The task could not be loaded" onRetry={() => task.refetch()} />
          )}
          {taskId !== undefined && task.data && (
            <TestForm key={taskId} task={task.data} onStarted={(id) => go({ run: id })} />
          )}
        </div>
        <div className={classes.run}>
          {run === undefined ? (
            <Card title="Run">
              <p className="muted">The run you start appears here, live.</p>
            </Card>
          ) : (
            <LiveRunCard key={run} runId={run} />
          )}
        </div>
      </div>
    </Page>
  );
}
