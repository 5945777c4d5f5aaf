import type { QueueItem } from "@gantry/sdk";
import { useState } from "react";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { ErrorText } from "../../ui/error-state.tsx";
import { Field, Input } from "../../ui/field.tsx";
import { parseConcurrencyLimit } from "./queue-facts.ts";
import { useQueueLimit } from "./use-queues.ts";

interface LimitDialogProps {
  queue: QueueItem;
  environmentLimit: number | undefined;
  onClose: () => void;
}

/** Another concurrency limit than the declared one, until it is reset. */
export function LimitDialog({ queue, environmentLimit, onClose }: LimitDialogProps) {
  const [text, setText] = useState(String(queue.concurrencyLimit ?? environmentLimit ?? ""));
  const { perform, isBusy, error } = useQueueLimit();
  const limit = parseConcurrencyLimit(text);
  const save = async (to: number | null) => {
    await perform({ id: queue.id, name: queue.name, limit: to }).then(onClose, () => undefined);
  };
  const { base, override } = queue.concurrency;
  const declared =
    base === null ? `the environment's${environmentLimit === undefined ? "" : ` (${environmentLimit})`}` : base;
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={`Concurrency limit of ${queue.name}`}
      onSubmit={() => limit !== undefined && void save(limit)}
      footer={
        <>
          {override !== null && (
            <Button icon="replay" onClick={() => void save(null)} isBusy={isBusy}>
              Back to the declared limit
            </Button>
          )}
          <Button
            type="submit"
            variant="primary"
            isBusy={isBusy}
            disabledReason={limit === undefined ? "A number from 0 to 100,000." : undefined}
          >
            Set the limit
          </Button>
        </>
      }
    >
      <Field
        label="Runs of this queue at once"
        hint={`Declared: ${declared}. An override outlives deploys. 0 lets nothing start; what runs goes on.`}
        error={text !== "" && limit === undefined ? "A number from 0 to 100,000." : undefined}
      >
        <Input inputMode="numeric" value={text} onChange={(event) => setText(event.target.value)} autoFocus />
      </Field>
      {error !== undefined && <ErrorText error={error} />}
    </Dialog>
  );
}
