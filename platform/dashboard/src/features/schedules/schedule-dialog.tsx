import type { ScheduleItem } from "@gantry/sdk";
import { timezones } from "@gantry/sdk/contract";
import { useId, useMemo, useState } from "react";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { ErrorText } from "../../ui/error-state.tsx";
import { Field, Input, Select } from "../../ui/field.tsx";
import { CronField } from "./cron-field.tsx";
import { type FormProblem, formOf, formProblem, type ScheduleForm, wantedOf } from "./schedule-form-state.ts";
import classes from "./schedules.module.css";
import { useSaveSchedule, useScheduledTasks } from "./use-schedules.tsx";

interface ScheduleDialogProps {
  /** Undefined: a new one. */
  schedule?: ScheduleItem | undefined;
  onClose: () => void;
}

/** Makes or changes a schedule of the API's. Its pattern is explained while it is typed. */
export function ScheduleDialog({ schedule, onClose }: ScheduleDialogProps) {
  const tasks = useScheduledTasks();
  const [form, setForm] = useState(() =>
    formOf(schedule, { task: "", timezone: Intl.DateTimeFormat().resolvedOptions().timeZone }),
  );
  const [fallbackKey] = useState(() => `dashboard-${crypto.randomUUID()}`);
  const { perform, isBusy, error } = useSaveSchedule();
  const filled = { ...form, task: form.task || (tasks.data?.[0] ?? "") };
  const problem = formProblem(filled);
  const change = (part: Partial<ScheduleForm>) => setForm({ ...filled, ...part });
  const save = () =>
    perform({ id: schedule?.id, wanted: wantedOf(filled, fallbackKey) }).then(onClose, () => undefined);
  return (
    <Dialog
      isOpen
      size="lg"
      onClose={onClose}
      title={schedule === undefined ? "New schedule" : `Schedule of ${schedule.task}`}
      onSubmit={() => problem === undefined && void save()}
      footer={
        <Button type="submit" variant="primary" isBusy={isBusy} disabledReason={problem?.message}>
          {schedule === undefined ? "Create the schedule" : "Save"}
        </Button>
      }
    >
      <TaskField form={filled} tasks={tasks.data} isLoading={tasks.isPending} onChange={change} />
      <CronField
        cron={filled.cron}
        timezone={filled.timezone}
        problem={problem?.field === "cron" ? problem.message : undefined}
        onChange={(cron) => change({ cron })}
      />
      <ZoneField form={filled} problem={problem} onChange={change} />
      <Policies form={filled} problem={problem} isNew={schedule === undefined} onChange={change} />
      {error !== undefined && <ErrorText error={error} />}
    </Dialog>
  );
}

interface PartProps {
  form: ScheduleForm;
  onChange: (part: Partial<ScheduleForm>) => void;
}

function TaskField({
  form,
  tasks = [],
  isLoading,
  onChange,
}: PartProps & { tasks?: string[] | undefined; isLoading: boolean }) {
  const known = form.task === "" || tasks.includes(form.task) ? tasks : [form.task, ...tasks];
  const none = isLoading ? "Loading…" : "No task of this version is a schedules.task()";
  const options = known.length === 0 ? [{ value: "", label: none }] : known.map((id) => ({ value: id, label: id }));
  return (
    <Field label="Task" hint="Tasks that schedules.task() defines.">
      <Select options={options} value={form.task} onChange={(event) => onChange({ task: event.target.value })} />
    </Field>
  );
}

function ZoneField({ form, problem, onChange }: PartProps & { problem: FormProblem | undefined }) {
  const id = useId();
  const zones = useMemo(timezones, []);
  return (
    <>
      <Field label="Time zone" error={problem?.field === "timezone" ? problem.message : undefined}>
        <Input
          list={id}
          value={form.timezone}
          onChange={(event) => onChange({ timezone: event.target.value })}
          onFocus={(event) => event.target.select()}
        />
      </Field>
      <datalist id={id}>
        {zones.map((zone) => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
    </>
  );
}

const OVERLAPS = [
  { value: "allow", label: "start beside it" },
  { value: "skip", label: "leave the next one out" },
  { value: "queue", label: "start when it has ended" },
  { value: "cancelRunning", label: "cancel it and start" },
] as const;
const CATCH_UPS = [
  { value: "last", label: "start the last one missed" },
  { value: "none", label: "start nothing" },
  { value: "all", label: "start all that were missed" },
] as const;

function Policies({
  form,
  problem,
  isNew,
  onChange,
}: PartProps & { problem: FormProblem | undefined; isNew: boolean }) {
  return (
    <details className={classes.more} open={problem?.field === "jitter" || undefined}>
      <summary>Overlaps, missed times, jitter, your own id</summary>
      <div className={classes.two}>
        <Field label="If a run of it goes on">
          <Select
            options={OVERLAPS}
            value={form.overlap}
            onChange={(event) => onChange({ overlap: event.target.value as ScheduleForm["overlap"] })}
          />
        </Field>
        <Field label="After a pause or downtime">
          <Select
            options={CATCH_UPS}
            value={form.catchUp}
            onChange={(event) => onChange({ catchUp: event.target.value as ScheduleForm["catchUp"] })}
          />
        </Field>
        <Field
          label="Jitter"
          hint="15m or 30 %: spreads starts."
          error={problem?.field === "jitter" ? problem.message : undefined}
        >
          <Input
            value={form.jitter}
            onChange={(event) => onChange({ jitter: event.target.value.replace(/\s+%/, "%") })}
          />
        </Field>
        <Field label="Your own id" hint="Runs get it as externalId.">
          <Input value={form.externalId} onChange={(event) => onChange({ externalId: event.target.value })} />
        </Field>
        {isNew && (
          <Field
            label="Deduplication key"
            hint="A second create with it changes this one. Left empty, it gets its own."
          >
            <Input
              value={form.deduplicationKey}
              onChange={(event) => onChange({ deduplicationKey: event.target.value })}
            />
          </Field>
        )}
      </div>
    </details>
  );
}
