import type { RunListItem, TaskDetailItem } from "@gantry/sdk";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { PlaceButton, PlaceLink, RunLink } from "../../layout/place-link.tsx";
import { QueryView } from "../../queries/query-view.tsx";
import { useIsDevelopment } from "../../session/use-is-development.ts";
import { Badge } from "../../ui/badge.tsx";
import { Card } from "../../ui/card.tsx";
import { EmptyState } from "../../ui/empty-state.tsx";
import { Select } from "../../ui/field.tsx";
import { JsonView } from "../../ui/json-view.tsx";
import { KeyValueList } from "../../ui/key-value.tsx";
import { Page, Stack } from "../../ui/page.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { StatusBadge } from "../../ui/status-badge.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { Duration, RelativeTime } from "../../ui/time.tsx";
import { cronWords } from "../schedules/cron-words.ts";
import { declarationFacts } from "./declaration-facts.ts";
import { TaskCharts } from "./task-charts.tsx";
import classes from "./tasks.module.css";
import { asPeriod, PERIODS, useTask, useTaskRuns } from "./use-tasks.ts";

/** One task: what it declares, how it does, what it ran. */
export default function TaskPage() {
  const { taskId = "" } = useParams({ strict: false }) as { taskId?: string };
  const { period: periodText } = useSearch({ strict: false }) as { period?: string };
  const period = asPeriod(periodText);
  const query = useTask(taskId, period);
  const navigate = useNavigate();
  return (
    <Page
      title={taskId}
      heading={
        <>
          {taskId}
          {query.data?.kind === "SCHEDULED" && <Badge icon="calendar">scheduled</Badge>}
        </>
      }
      description={query.data?.description}
      breadcrumbs={[
        <PlaceLink key="tasks" page="tasks" look="quiet">
          Tasks
        </PlaceLink>,
      ]}
      actions={
        <>
          <div className={classes.period}>
            <Select
              aria-label="Period"
              options={PERIODS}
              value={period}
              onChange={(event) =>
                void navigate({ to: ".", search: { period: event.target.value } as never, replace: true })
              }
            />
          </div>
          <PlaceButton page="test" search={{ task: taskId }} variant="primary" icon="flask">
            Test
          </PlaceButton>
        </>
      }
    >
      <QueryView query={query} failed="The task could not be loaded" skeleton={<PageSkeleton />}>
        {(task) => (
          <Stack>
            <TaskCharts stats={task.stats} period={PERIODS.find(({ value }) => value === period)?.label ?? period} />
            <RecentRuns taskId={taskId} />
            <div className={classes.columns}>
              <Declaration task={task} />
              <Schema task={task} />
            </div>
          </Stack>
        )}
      </QueryView>
    </Page>
  );
}

function PageSkeleton() {
  return (
    <Stack>
      <Skeleton height={68} />
      <Skeleton height={226} />
      <Skeleton height={440} />
    </Stack>
  );
}

function Declaration({ task }: { task: TaskDetailItem }) {
  const isDev = useIsDevelopment();
  const { schedule } = task.declaration;
  return (
    <Card title="As declared" hint={`In version ${task.version}`}>
      <KeyValueList
        items={[
          ...(schedule === undefined
            ? []
            : [
                {
                  key: "Schedule",
                  value: (
                    <span>
                      {cronWords(schedule.cron) ?? schedule.cron}, {schedule.timezone}{" "}
                      <span className={classes.note}>
                        <code>{schedule.cron}</code> · <PlaceLink page="schedules">all schedules</PlaceLink>
                      </span>
                    </span>
                  ),
                },
              ]),
          ...declarationFacts(task.declaration, isDev).map(({ label, value, note }) => ({
            key: label,
            value: (
              <span>
                {value}
                {note !== undefined && <span className={classes.note}>{note}</span>}
              </span>
            ),
          })),
        ]}
      />
    </Card>
  );
}

function Schema({ task }: { task: TaskDetailItem }) {
  return (
    <Card title="Payload" hint={task.hasPayloadSchema ? "JSON schema: what a trigger is checked against" : undefined}>
      {task.payloadSchema === undefined ? (
        <p className="muted">
          It declares no schema, so any payload is taken. With <code>schemaTask</code> a wrong one is refused when it is
          triggered, and the test page knows its fields.
        </p>
      ) : (
        <JsonView label="JSON schema of the payload" value={task.payloadSchema} openDepth={3} maxHeight={420} />
      )}
    </Card>
  );
}

const COLUMNS: Column<RunListItem>[] = [
  { id: "status", header: "Status", width: "140px", cell: ({ status }) => <StatusBadge status={status} /> },
  { id: "run", header: "Run", cell: ({ id }) => <RunLink runId={id} isShort /> },
  { id: "version", header: "Version", hideBelow: 640, cell: ({ version }) => version ?? "–" },
  { id: "took", header: "Took", width: "100px", cell: ({ durationMs }) => <Duration ms={durationMs} /> },
  { id: "made", header: "Made", width: "110px", cell: ({ createdAt }) => <RelativeTime at={createdAt} /> },
];

function RecentRuns({ taskId }: { taskId: string }) {
  const query = useTaskRuns(taskId);
  return (
    <Card
      title="Recent runs"
      isFlush
      actions={
        <PlaceButton page="runs" search={{ task: taskId }} size="sm" icon="runs">
          All runs
        </PlaceButton>
      }
    >
      <QueryView query={query} failed="Its runs could not be loaded" skeleton={<Skeleton height={240} />}>
        {(runs) => (
          <Table
            hasCards
            label={`Recent runs of ${taskId}`}
            columns={COLUMNS}
            rows={runs}
            rowKey={({ id }) => id}
            empty={
              <EmptyState icon="runs" title="No runs yet" command={`npx gantry trigger ${taskId} '{}'`}>
                Trigger it from your backend, by the command line, or with the test page.
              </EmptyState>
            }
          />
        )}
      </QueryView>
    </Card>
  );
}
