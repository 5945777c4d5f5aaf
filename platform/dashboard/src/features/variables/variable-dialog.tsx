import type { EnvironmentVariable } from "@gantry/sdk";
import { useState } from "react";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { ErrorText } from "../../ui/error-state.tsx";
import { Checkbox, Field, Input, Textarea } from "../../ui/field.tsx";
import { nameProblem } from "./env-paste.ts";
import { useSaveVariable } from "./use-variables.ts";
import classes from "./variables.module.css";

interface VariableDialogProps {
  /** Undefined: a new one. */
  variable?: EnvironmentVariable | undefined;
  onClose: () => void;
}

/** Sets a variable. A secret's value is not known here: it is replaced, or left. */
export function VariableDialog({ variable, onClose }: VariableDialogProps) {
  const isNew = variable === undefined;
  const [name, setName] = useState(variable?.name ?? "");
  const [value, setValue] = useState(variable === undefined || variable.isSecret ? "" : variable.value);
  const [isSecret, setSecret] = useState(variable?.isSecret ?? true);
  const { perform, isBusy, error } = useSaveVariable();
  const problem = name === "" ? undefined : nameProblem(name);
  const save = () => perform({ isNew, variable: { name, value, isSecret } }).then(onClose, () => undefined);
  const isReady = name !== "" && problem === undefined;
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={isNew ? "New variable" : `Change ${variable.name}`}
      onSubmit={() => isReady && void save()}
      footer={
        <Button
          type="submit"
          variant="primary"
          isBusy={isBusy}
          disabledReason={isReady ? undefined : "It needs a name."}
        >
          Set the variable
        </Button>
      }
    >
      {isNew && (
        <Field label="Name" error={problem} isRequired>
          <Input isMono value={name} onChange={(event) => setName(event.target.value)} autoFocus />
        </Field>
      )}
      <Field label="Value" hint={variable?.isSecret ? "The old value is not shown; this one replaces it." : undefined}>
        <Textarea isMono rows={3} value={value} onChange={(event) => setValue(event.target.value)} />
      </Field>
      <div className={classes.check}>
        <Checkbox
          label="Secret: its value is never shown again, to nobody"
          checked={isSecret}
          onChange={(event) => setSecret(event.target.checked)}
        />
      </div>
      {error !== undefined && <ErrorText error={error} />}
    </Dialog>
  );
}
