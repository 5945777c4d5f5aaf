import type { ScheduleItem } from "@gantry/sdk";
import { PlaceLink } from "../../layout/place-link.tsx";
import { Badge } from "../../ui/badge.tsx";
import { Button, IconButton } from "../../ui/button.tsx";
import { Menu, type MenuItem } from "../../ui/menu.tsx";
import type { Column } from "../../ui/table.tsx";
import { RelativeTime } from "../../ui/time.tsx";
import { cronWords } from "./cron-words.ts";
import { timeInZone } from "./schedule-form-state.ts";
import classes from "./schedules.module.css";

export type ScheduleCommand = "run" | "pause" | "activate" | "details" | "edit" | "delete";

interface ColumnsOptions {
  denial: string | undefined;
  busyId: string | undefined;
  onCommand: (command: ScheduleCommand, schedule: ScheduleItem) => void;
}

export function scheduleColumns({ denial, busyId, onCommand }: ColumnsOptions): Column<ScheduleItem>[] {
  return [
    { id: "task", header: "Task", cell: (schedule) => <TaskCell schedule={schedule} /> },
    { id: "when", header: "When", cell: (schedule) => <WhenCell schedule={schedule} /> },
    { id: "next", header: "Next", cell: (schedule) => <NextCell schedule={schedule} /> },
    {
      id: "last",
      header: "Last due",
      hideBelow: 900,
      width: "110px",
      cell: ({ lastRun }) => (lastRun === null ? <span className="muted">never</span> : <RelativeTime at={lastRun} />),
    },
    {
      id: "state",
      header: "State",
      hideBelow: 640,
      width: "100px",
      cell: ({ active }) =>
        active ? (
          <Badge tone="success" icon="check-circle">
            Active
          </Badge>
        ) : (
          <Badge tone="warning" icon="pause">
            Paused
          </Badge>
        ),
    },
    {
      id: "actions",
      header: <span className="visually-hidden">Actions</span>,
      align: "end",
      width: "140px",
      cell: (schedule) => (
        <div className={classes.actions}>
          <Button
            size="sm"
            icon="play"
            aria-label={`Run ${schedule.task} now`}
            isBusy={busyId === schedule.id}
            disabledReason={denial}
            onClick={() => onCommand("run", schedule)}
          >
            Run now
          </Button>
          <Menu
            label={`More for ${schedule.task}`}
            align="end"
            items={menuOf(schedule, denial, onCommand)}
            trigger={(props) => <IconButton size="sm" icon="more" label={`More for ${schedule.task}`} {...props} />}
          />
        </div>
      ),
    },
  ];
}

function menuOf(
  schedule: ScheduleItem,
  denial: string | undefined,
  onCommand: ColumnsOptions["onCommand"],
): (MenuItem | "separator")[] {
  const { active, type } = schedule;
  const inCode = type === "DECLARATIVE" ? "The code declares it: change it there and deploy." : undefined;
  const on = (command: ScheduleCommand) => () => onCommand(command, schedule);
  return [
    { label: "Details", icon: "eye", onSelect: on("details") },
    {
      label: active ? "Pause" : "Activate",
      icon: active ? "pause" : "play",
      disabledReason: denial,
      onSelect: on(active ? "pause" : "activate"),
    },
    "separator",
    { label: "Change…", icon: "edit", disabledReason: denial ?? inCode, onSelect: on("edit") },
    { label: "Delete…", icon: "trash", isDanger: true, disabledReason: denial ?? inCode, onSelect: on("delete") },
  ];
}

function TaskCell({ schedule: { task, type, externalId } }: { schedule: ScheduleItem }) {
  return (
    <div className={classes.task}>
      <PlaceLink page="tasks/$taskId" params={{ taskId: task }} look="quiet">
        <strong>{task}</strong>
      </PlaceLink>
      {type === "DECLARATIVE" ? (
        <Badge icon="code" title="The task's code declares it; deploys change it.">
          in code
        </Badge>
      ) : (
        <Badge icon="user" title="Made here or by the API.">
          {externalId === null ? "made" : `made for ${externalId}`}
        </Badge>
      )}
    </div>
  );
}

function WhenCell({ schedule: { generator, timezone } }: { schedule: ScheduleItem }) {
  return (
    <div className={classes.when}>
      <span>{cronWords(generator.expression) ?? generator.expression}</span>
      <span className="muted">
        <code>{generator.expression}</code> · {timezone}
      </span>
    </div>
  );
}

function NextCell({ schedule: { nextRun, timezone, upcoming } }: { schedule: ScheduleItem }) {
  if (nextRun === null) return <span className="muted">nothing while paused</span>;
  return (
    <div className={classes.when} title={upcoming.map((at) => timeInZone(at, timezone)).join("\n")}>
      <span>
        <RelativeTime at={nextRun} />
      </span>
      <span className="muted">{timeInZone(nextRun, timezone)}</span>
    </div>
  );
}
