import type { ScheduleItem } from "@gantry/sdk";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { RunLink } from "../../layout/place-link.tsx";
import { QueryView } from "../../queries/query-view.tsx";
import { useDenial } from "../../session/session-provider.tsx";
import { Button } from "../../ui/button.tsx";
import { ConfirmDialog } from "../../ui/dialog.tsx";
import { EmptyState } from "../../ui/empty-state.tsx";
import { Page, Row, Stack } from "../../ui/page.tsx";
import { Table } from "../../ui/table.tsx";
import { toast } from "../../ui/toast.tsx";
import { type ScheduleCommand, scheduleColumns } from "./schedule-columns.tsx";
import { ScheduleDetails } from "./schedule-details.tsx";
import { ScheduleDialog } from "./schedule-dialog.tsx";
import { useScheduleActions, useSchedules } from "./use-schedules.ts";

type Asked = { what: "new" } | { what: "details" | "edit" | "delete"; schedule: ScheduleItem };

/** What the clock starts: declared in code or made here; next times, pause, run now. */
export default function SchedulesPage() {
  const { page: pageText } = useSearch({ strict: false }) as { page?: string };
  const page = Math.max(1, Number(pageText) || 1);
  const query = useSchedules(page);
  const denial = useDenial("developer");
  const [asked, setAsked] = useState<Asked>();
  const { setActive, runNow, remove } = useScheduleActions();
  const close = () => setAsked(undefined);
  const run = (schedule: ScheduleItem) =>
    void runNow.perform({ id: schedule.id }).then(
      ({ id }) =>
        toast.success(
          <>
            Started: <RunLink runId={id} />
          </>,
        ),
      () => undefined,
    );
  const onCommand = (command: ScheduleCommand, schedule: ScheduleItem) => {
    if (command === "run") run(schedule);
    else if (command === "pause" || command === "activate")
      setActive.start({ id: schedule.id, task: schedule.task, active: command === "activate" });
    else setAsked({ what: command, schedule });
  };
  const busyId = runNow.busyWith?.id ?? setActive.busyWith?.id;
  // biome-ignore lint/correctness/useExhaustiveDependencies: commands do the same each time.
  const columns = useMemo(() => scheduleColumns({ denial, busyId, onCommand }), [denial, busyId]);
  return (
    <Page
      title="Schedules"
      description="Runs that the clock starts. Declared ones come with their version; others are made here or by the API."
      actions={
        <Button variant="primary" icon="plus" disabledReason={denial} onClick={() => setAsked({ what: "new" })}>
          New schedule
        </Button>
      }
    >
      <QueryView query={query} failed="Schedules could not be loaded">
        {({ schedules, hasNext }) => (
          <Stack gap={12}>
            <Table
              hasCards
              label="Schedules"
              columns={columns}
              rows={schedules}
              rowKey={({ id }) => id}
              onOpen={(schedule) => setAsked({ what: "details", schedule })}
              empty={<NoSchedules />}
            />
            <Pager page={page} hasNext={hasNext} />
          </Stack>
        )}
      </QueryView>
      {asked?.what === "new" && <ScheduleDialog onClose={close} />}
      {asked?.what === "edit" && <ScheduleDialog schedule={asked.schedule} onClose={close} />}
      {asked?.what === "details" && (
        <ScheduleDetails
          schedule={query.data?.schedules.find(({ id }) => id === asked.schedule.id) ?? asked.schedule}
          onClose={close}
          onEdit={
            asked.schedule.type === "IMPERATIVE" && denial === undefined
              ? () => setAsked({ what: "edit", schedule: asked.schedule })
              : undefined
          }
        />
      )}
      {asked?.what === "delete" && (
        <ConfirmDialog
          isOpen
          isDanger
          onClose={close}
          title={`Delete the schedule of ${asked.schedule.task}?`}
          confirmLabel="Delete it"
          onConfirm={() => remove.perform({ id: asked.schedule.id, task: asked.schedule.task })}
        >
          It starts nothing any more. Its runs stay. This cannot be undone; to stop it for a while, pause it.
        </ConfirmDialog>
      )}
    </Page>
  );
}

function Pager({ page, hasNext }: { page: number; hasNext: boolean }) {
  const navigate = useNavigate();
  if (page === 1 && !hasNext) return null;
  const go = (to: number) => void navigate({ to: ".", search: { page: String(to) } as never });
  return (
    <Row>
      <Button
        size="sm"
        icon="chevron-left"
        disabledReason={page === 1 ? "This is the first page." : undefined}
        onClick={() => go(page - 1)}
      >
        Before
      </Button>
      <Button
        size="sm"
        icon="chevron-right"
        disabledReason={hasNext ? undefined : "This is the last page."}
        onClick={() => go(page + 1)}
      >
        Next
      </Button>
    </Row>
  );
}

function NoSchedules() {
  return (
    <EmptyState
      icon="calendar"
      title="No schedules yet"
      command={
        'schedules.task({ id: "daily-report", cron: { pattern: "0 5 * * *", timezone: "Europe/Berlin" }, run: … })'
      }
    >
      Declare one in a task&apos;s code, or make one here for a task that <code>schedules.task()</code> defines.
    </EmptyState>
  );
}
