import type { ScheduleItem } from "@gantry/sdk";
import { useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { NumberPager } from "../../layout/pager.tsx";
import { QueryView } from "../../queries/query-view.tsx";
import { useDenial } from "../../session/session-provider.tsx";
import { Button } from "../../ui/button.tsx";
import { ConfirmDialog } from "../../ui/dialog.tsx";
import { EmptyState } from "../../ui/empty-state.tsx";
import { Page, Stack } from "../../ui/page.tsx";
import { Table } from "../../ui/table.tsx";
import { type ScheduleCommand, scheduleColumns } from "./schedule-columns.tsx";
import { ScheduleDetails } from "./schedule-details.tsx";
import { ScheduleDialog } from "./schedule-dialog.tsx";
import { useScheduleActions, useSchedules } from "./use-schedules.tsx";

type Asked = { what: "new" } | { what: "details" | "edit" | "delete"; schedule: ScheduleItem };

/** What the clock starts: declared in code or made here; next times, pause, run now. */
export default function SchedulesPage() {
  const { page: pageText } = useSearch({ strict: false }) as { page?: string };
  const page = Math.max(1, Number(pageText) || 1);
  const query = useSchedules(page);
  const denial = useDenial("developer");
  const [asked, setAsked] = useState<Asked>();
  const columns = scheduleColumns({ denial, ...useCommands(setAsked) });
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
            <NumberPager page={page} hasNext={hasNext} />
          </Stack>
        )}
      </QueryView>
      {asked && <AskedDialog asked={asked} current={query.data?.schedules ?? []} onAsk={setAsked} />}
    </Page>
  );
}

/** Run, pause and activate at once; the rest is asked about in a dialog. */
function useCommands(onAsk: (asked: Asked) => void) {
  const { setActive, runNow } = useScheduleActions();
  const onCommand = (command: ScheduleCommand, schedule: ScheduleItem) => {
    const { id, task } = schedule;
    if (command === "run") runNow.start({ id });
    else if (command === "pause" || command === "activate")
      setActive.start({ id, task, active: command === "activate" });
    else onAsk({ what: command, schedule });
  };
  return { onCommand, busyId: runNow.busyWith?.id ?? setActive.busyWith?.id };
}

interface AskedDialogProps {
  asked: Asked;
  /** As they are now: a dialog that is open shows what changes meanwhile. */
  current: readonly ScheduleItem[];
  onAsk: (asked: Asked | undefined) => void;
}

function AskedDialog({ asked, current, onAsk }: AskedDialogProps) {
  const { remove } = useScheduleActions();
  const denial = useDenial("developer");
  const close = () => onAsk(undefined);
  if (asked.what === "new") return <ScheduleDialog onClose={close} />;
  const schedule = current.find(({ id }) => id === asked.schedule.id) ?? asked.schedule;
  const mayEdit = schedule.type === "IMPERATIVE" && denial === undefined;
  if (asked.what === "edit") return <ScheduleDialog schedule={asked.schedule} onClose={close} />;
  if (asked.what === "details") {
    const onEdit = mayEdit ? () => onAsk({ what: "edit", schedule }) : undefined;
    return <ScheduleDetails schedule={schedule} onClose={close} onEdit={onEdit} />;
  }
  return (
    <ConfirmDialog
      isOpen
      isDanger
      onClose={close}
      title={`Delete the schedule of ${schedule.task}?`}
      confirmLabel="Delete it"
      onConfirm={() => remove.perform({ id: schedule.id, task: schedule.task })}
    >
      It starts nothing any more. Its runs stay. This cannot be undone; to stop it for a while, pause it.
    </ConfirmDialog>
  );
}

function NoSchedules() {
  return (
    <EmptyState
      icon="calendar"
      title="No schedules yet"
      code={`export const report = schedules.task({
  id: "daily-report",
  cron: { pattern: "0 5 * * *", timezone: "Europe/Berlin" },
  run: async ({ timestamp }) => { /* … */ },
});`}
    >
      Declare one in a task&apos;s code, or make one here for a task that <code>schedules.task()</code> defines.
    </EmptyState>
  );
}
