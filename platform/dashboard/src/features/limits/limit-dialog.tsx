import type { LimitUsage } from "@gantry/sdk";
import { useState } from "react";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { ErrorText } from "../../ui/error-state.tsx";
import { Field, Input } from "../../ui/field.tsx";
import { formatLimit, type LimitFact, type LimitName, parseLimit } from "./limit-facts.ts";
import { useSetLimit } from "./use-limits.ts";

interface LimitDialogProps {
  limit: LimitUsage;
  fact: LimitFact;
  onClose: () => void;
}

const UNITS = {
  count: "A whole number.",
  bytes: "With its unit: 3 MB, 256 kB (of 1024), or plain bytes.",
  milliseconds: "With its unit: 30d, 10m, 90s.",
  days: "Days: 30 or 30d.",
} as const;

/** Another value for a limit of the environment. */
export function LimitDialog({ limit, fact, onClose }: LimitDialogProps) {
  const [text, setText] = useState(formatLimit(limit.value, fact.unit));
  const { perform, isBusy, error } = useSetLimit();
  const value = parseLimit(text, fact.unit);
  const save = (to: number) =>
    perform({ name: limit.name as LimitName, label: fact.label, value: to }).then(onClose, () => undefined);
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={fact.label}
      onSubmit={() => value !== undefined && void save(value)}
      footer={
        <>
          {limit.isChanged && (
            <Button icon="replay" isBusy={isBusy} onClick={() => void save(limit.default)}>
              Back to {formatLimit(limit.default, fact.unit)}
            </Button>
          )}
          <Button
            type="submit"
            variant="primary"
            isBusy={isBusy}
            disabledReason={value === undefined ? UNITS[fact.unit] : undefined}
          >
            Set the limit
          </Button>
        </>
      }
    >
      <p style={{ marginBottom: 12 }}>{fact.meaning}</p>
      <Field
        label={<code>{limit.name}</code>}
        hint={UNITS[fact.unit]}
        error={text !== "" && value === undefined ? "This is none." : undefined}
      >
        <Input value={text} onChange={(event) => setText(event.target.value)} autoFocus />
      </Field>
      {error !== undefined && <ErrorText error={error} />}
    </Dialog>
  );
}
