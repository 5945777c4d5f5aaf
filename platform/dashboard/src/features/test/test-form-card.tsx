import type { TaskDetailItem } from "@gantry/sdk";
import { useState } from "react";
import { useDenial, useEnvironment } from "../../session/session-provider.tsx";
import { Button } from "../../ui/button.tsx";
import { Card } from "../../ui/card.tsx";
import { ErrorText } from "../../ui/error-state.tsx";
import { JsonEditor } from "../../ui/json-editor.tsx";
import { checkAgainstSchema } from "../../ui/json-schema.ts";
import { Kbd } from "../../ui/key-value.tsx";
import { Stack } from "../../ui/page.tsx";
import { encodePayload, parseJsonText } from "../run/shown-value.ts";
import { OptionFields } from "./option-fields.tsx";
import { RecentPayloads } from "./recent-payloads.tsx";
import { NO_OPTIONS, sampleText, triggerOptions } from "./test-form.ts";
import classes from "./test-page.module.css";

interface TestFormProps {
  task: TaskDetailItem;
  onStarted: (runId: string) => void;
}

/** A payload and options for one run of a task. */
export function TestForm({ task, onStarted }: TestFormProps) {
  const { api } = useEnvironment();
  const denial = useDenial("developer");
  const [text, setText] = useState(() => sampleText(task.payloadSchema));
  const [options, setOptions] = useState(NO_OPTIONS);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const parsed = parseJsonText(text);
  const complaints =
    parsed.ok && task.payloadSchema !== undefined ? checkAgainstSchema(parsed.value, task.payloadSchema) : [];
  const start = async () => {
    const made = triggerOptions(options);
    if (!parsed.ok) return setError(new Error(parsed.message));
    if ("error" in made) return setError(new Error(made.error));
    setBusy(true);
    setError(undefined);
    try {
      const { payload, payloadType } = encodePayload(parsed.value, undefined);
      const body = parsed.value === undefined ? {} : { payload };
      const { id } = await api.triggerTask(task.id, { ...body, options: { ...made.options, payloadType } });
      onStarted(id);
    } catch (thrown) {
      setError(thrown);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Card
      title={task.id}
      hint={`Version ${task.version}${task.payloadSchema === undefined ? " · its payload has no schema" : ""}`}
      actions={<RecentPayloads taskId={task.id} onPick={setText} />}
    >
      <Stack gap={12}>
        <JsonEditor
          label="Payload"
          value={text}
          onChange={setText}
          schema={task.payloadSchema}
          height={300}
          onSubmit={() => void start()}
        />
        <p className={classes.check} role="status">
          {!parsed.ok && parsed.message}
          {parsed.ok &&
            complaints.length > 0 &&
            `${complaints.length === 1 ? "1 value does" : `${complaints.length} values do`} not fit the schema: ${pathText(complaints[0]?.path)} ${complaints[0]?.message}`}
          {parsed.ok && complaints.length === 0 && task.payloadSchema !== undefined && "It fits the task's schema."}
        </p>
        <OptionFields options={options} onChange={setOptions} task={task} />
        {error !== undefined && <ErrorText error={error} />}
        <div className={classes.actions}>
          <Button variant="primary" icon="play" isBusy={isBusy} disabledReason={denial} onClick={() => void start()}>
            Run it
          </Button>
          <span className="muted">
            <Kbd>Ctrl</Kbd> <Kbd>Enter</Kbd> in the editor
          </span>
        </div>
      </Stack>
    </Card>
  );
}

function pathText(path: readonly (string | number)[] | undefined): string {
  return path === undefined || path.length === 0 ? "the payload" : path.join(".");
}
