import { useState } from "react";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { ErrorText } from "../../ui/error-state.tsx";
import { Field, Textarea } from "../../ui/field.tsx";
import { readTypedData } from "./token-facts.ts";
import { useCompleteToken } from "./use-tokens.ts";

interface CompleteDialogProps {
  tokenId: string;
  waiting: number;
  onClose: () => void;
}

/** Completes a token by hand: its data becomes what `wait.forToken` gives to the runs. */
export function CompleteDialog({ tokenId, waiting, onClose }: CompleteDialogProps) {
  const [text, setText] = useState('{\n  "approved": true\n}');
  const { perform, isBusy, error } = useCompleteToken(tokenId);
  const typed = readTypedData(text);
  const submit = () => typed.ok && void perform(typed.data).then(onClose, () => undefined);
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title="Complete the token"
      onSubmit={submit}
      footer={
        <Button
          type="submit"
          variant="primary"
          icon="check"
          isBusy={isBusy}
          disabledReason={typed.ok ? undefined : "Its data must be JSON, or nothing."}
        >
          {waiting === 0 ? "Complete it" : `Complete it: ${waiting} ${waiting === 1 ? "run goes" : "runs go"} on`}
        </Button>
      }
    >
      <Field
        label="Data"
        hint="JSON; what wait.forToken gives to the run. Nothing at all is undefined. The first completion wins."
        error={typed.ok ? undefined : typed.problem}
      >
        <Textarea isMono rows={8} autoFocus value={text} onChange={(event) => setText(event.target.value)} />
      </Field>
      {error !== undefined && <ErrorText error={error} />}
    </Dialog>
  );
}
