import type { TaskItem } from "@gantry/sdk";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { PlaceButton } from "../../layout/place-link.tsx";
import { QueryView } from "../../queries/query-view.tsx";
import { useEnvironment } from "../../session/session-provider.tsx";
import { Button } from "../../ui/button.tsx";
import { EmptyState } from "../../ui/empty-state.tsx";
import { Input, Select } from "../../ui/field.tsx";
import { Page, Row, Stack } from "../../ui/page.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { DurationCell, FailureCell, LastRunCell, TaskName, VolumeCell } from "./task-cells.tsx";
import classes from "./tasks.module.css";
import { asPeriod, PERIODS, useTasks } from "./use-tasks.ts";

type Search = { search?: string; period?: string; after?: string };
const ROW = 57;

/** Tasks of the version in service: how much each does, how often it fails, how long it takes. */
export default function TasksPage() {
  const { search = "", period: periodText, after } = useSearch({ strict: false }) as Search;
  const period = asPeriod(periodText);
  const navigate = useNavigate();
  const change = (to: Search) =>
    void navigate({ to: ".", search: { search, period: periodText, ...to } as never, replace: true });
  const { project, environment } = useEnvironment();
  const openTask = (taskId: string) =>
    void navigate({ to: "/projects/$project/$environment/tasks/$taskId", params: { project, environment, taskId } });
  const query = useTasks({ search, period, after });
  const words = PERIODS.find(({ value }) => value === period)?.label ?? period;
  const columns = useColumns(words);
  return (
    <Page title="Tasks" description={`What the version in service can do, with the figures of the last ${words}.`}>
      <Stack gap={12}>
        <div className={classes.filters}>
          <Input
            icon="search"
            type="search"
            aria-label="Search tasks"
            placeholder="Search by id"
            defaultValue={search}
            onChange={(event) => change({ search: event.target.value })}
          />
          <Select
            aria-label="Period"
            options={PERIODS}
            value={period}
            onChange={(event) => change({ period: event.target.value })}
          />
        </div>
        <QueryView query={query} failed="Tasks could not be loaded" skeleton={<SkeletonRows rows={6} height={ROW} />}>
          {({ tasks, hasNext }) => (
            <Stack gap={12}>
              <Table
                hasCards
                label="Tasks"
                columns={columns}
                rows={tasks}
                rowKey={({ id }) => id}
                onOpen={({ id }) => openTask(id)}
                empty={<NoTasks isFiltered={search !== ""} />}
              />
              {(hasNext || after !== undefined) && (
                <Row>
                  <Button size="sm" icon="chevron-left" onClick={() => change({ after: "" })}>
                    First
                  </Button>
                  <Button
                    size="sm"
                    icon="chevron-right"
                    disabledReason={hasNext ? undefined : "These are the last."}
                    onClick={() => change({ after: tasks.at(-1)?.id ?? "" })}
                  >
                    Next
                  </Button>
                </Row>
              )}
            </Stack>
          )}
        </QueryView>
      </Stack>
    </Page>
  );
}

function useColumns(period: string): Column<TaskItem>[] {
  return useMemo(
    () => [
      { id: "task", header: "Task", cell: (task) => <TaskName task={task} /> },
      {
        id: "volume",
        header: "Runs",
        width: "190px",
        cell: ({ stats }) => <VolumeCell stats={stats} period={period} />,
      },
      {
        id: "failures",
        header: "Failures",
        width: "200px",
        cell: ({ stats }) => <FailureCell stats={stats} period={period} />,
      },
      { id: "durations", header: "Duration", width: "200px", cell: ({ stats }) => <DurationCell stats={stats} /> },
      { id: "last", header: "Last run", hideBelow: 900, width: "130px", cell: (task) => <LastRunCell task={task} /> },
      {
        id: "test",
        header: <span className="visually-hidden">Test</span>,
        align: "end",
        hideBelow: 640,
        width: "90px",
        cell: ({ id }) => (
          <PlaceButton page="test" search={{ task: id }} size="sm" icon="flask">
            Test
          </PlaceButton>
        ),
      },
    ],
    [period],
  );
}

function NoTasks({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered)
    return (
      <EmptyState icon="search" title="No task of this id">
        The version in service has none. One that was deployed without promotion is under Deployments.
      </EmptyState>
    );
  return (
    <EmptyState icon="tasks" title="No tasks yet" command={"npx gantry init\nnpx gantry dev"}>
      Tasks come with a version: <code>gantry dev</code> registers one with each change, <code>gantry deploy</code>{" "}
      makes one for a cluster.
    </EmptyState>
  );
}
