import type { TaskDetailItem } from "@gantry/sdk";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useEnvironment } from "../../session/session-provider.tsx";
import { Field, Input, Select } from "../../ui/field.tsx";
import { Icon } from "../../ui/icon.tsx";
import { optionCount, type TestOptions } from "./test-form.ts";
import classes from "./test-page.module.css";

interface OptionFieldsProps {
  options: TestOptions;
  onChange: (options: TestOptions) => void;
  task: TaskDetailItem;
}

const FIELDS: { name: Exclude<keyof TestOptions, "version">; label: string; placeholder: string; hint?: string }[] = [
  { name: "tags", label: "Tags", placeholder: "order:42, eu", hint: "Separated by commas." },
  { name: "delay", label: "Delay", placeholder: "10m", hint: "A duration, or a date." },
  { name: "ttl", label: "Time to live", placeholder: "1h", hint: "How long it may wait for its start." },
  { name: "queue", label: "Queue", placeholder: "the task's own" },
  { name: "concurrencyKey", label: "Concurrency key", placeholder: "tenant-1" },
  { name: "machine", label: "Machine", placeholder: "small-1x" },
  { name: "priority", label: "Priority", placeholder: "0", hint: "Seconds of head start." },
  { name: "maxAttempts", label: "Attempts", placeholder: "the task's own" },
  { name: "idempotencyKey", label: "Idempotency key", placeholder: "", hint: "The same key again is the same run." },
];

/** All options of a trigger, folded away until they are wanted. */
export function OptionFields({ options, onChange, task }: OptionFieldsProps) {
  const [isOpen, setOpen] = useState(false);
  const count = optionCount(options);
  const versions = useVersions(isOpen);
  const set = (name: keyof TestOptions, value: string) => onChange({ ...options, [name]: value });
  return (
    <div>
      <button type="button" className={classes.fold} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <Icon name={isOpen ? "chevron-down" : "chevron-right"} size={12} />
        Options{count > 0 && ` (${count} set)`}
      </button>
      {isOpen && (
        <div className={classes.options}>
          <Field label="Version" hint={`Current: ${task.version}`}>
            <Select
              value={options.version}
              onChange={(event) => set("version", event.target.value)}
              options={[
                { value: "", label: "current" },
                ...versions
                  .filter((version) => version !== task.version)
                  .map((version) => ({ value: version, label: version })),
              ]}
            />
          </Field>
          {FIELDS.map(({ name, label, placeholder, hint }) => (
            <Field key={name} label={label} {...(hint === undefined ? {} : { hint })}>
              <Input
                value={options[name]}
                placeholder={placeholder}
                onChange={(event) => set(name, event.target.value)}
              />
            </Field>
          ))}
        </div>
      )}
    </div>
  );
}

function useVersions(isWanted: boolean): string[] {
  const { api, key } = useEnvironment();
  const { data } = useQuery({
    queryKey: key("test-versions"),
    enabled: isWanted,
    queryFn: async () => (await api.listDeployments({ limit: 25 })).data.map(({ version }) => version),
  });
  return data ?? [];
}
