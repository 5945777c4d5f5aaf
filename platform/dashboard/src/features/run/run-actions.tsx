import { useState } from "react";
import { useDenial, useEnvironment } from "../../session/session-provider.tsx";
import { Button, IconButton } from "../../ui/button.tsx";
import { ConfirmDialog } from "../../ui/dialog.tsx";
import { Field, Input } from "../../ui/field.tsx";
import { Menu } from "../../ui/menu.tsx";
import { toast } from "../../ui/toast.tsx";
import { ReplayDialog } from "./replay-dialog.tsx";
import type { RunView } from "./run-view.ts";

interface RunActionsProps {
  run: RunView;
  /** A replay has been made: its run. */
  onReplayed: (runId: string) => void;
  onChanged: () => void;
}

type Open = "replay" | "cancel" | "fail" | undefined;

/** What can be done with a run. */
export function RunActions({ run, onReplayed, onChanged }: RunActionsProps) {
  const { api } = useEnvironment();
  const [open, setOpen] = useState<Open>();
  const [isReplaying, setReplaying] = useState(false);
  const denial = useDenial("developer");
  const adminDenial = useDenial("admin");
  const close = () => setOpen(undefined);
  const replay = async () => {
    setReplaying(true);
    try {
      onReplayed((await api.replayRun(run.id)).id);
    } catch (error) {
      toast.error("The run was not replayed", error);
    } finally {
      setReplaying(false);
    }
  };
  return (
    <>
      {!run.isCompleted && (
        <Button
          icon="cancel"
          disabledReason={denial ?? (run.cancelRequestedAt ? "It is being canceled." : undefined)}
          onClick={() => setOpen("cancel")}
        >
          Cancel
        </Button>
      )}
      <Button icon="edit" disabledReason={denial} onClick={() => setOpen("replay")}>
        Edit and replay
      </Button>
      <Button
        icon="replay"
        variant={run.isFailed ? "primary" : "secondary"}
        isBusy={isReplaying}
        disabledReason={denial}
        onClick={() => void replay()}
      >
        Replay
      </Button>
      <Menu
        label="More actions"
        align="end"
        trigger={(trigger) => <IconButton icon="more" label="More actions" variant="secondary" {...trigger} />}
        items={[
          { label: "Copy the id", icon: "copy", onSelect: () => void copy(run.id, "The id") },
          { label: "Copy the address", icon: "external", onSelect: () => void copy(location.href, "The address") },
          "separator",
          {
            label: "End as failed",
            icon: "stop",
            isDanger: true,
            disabledReason: run.isCompleted ? "It has ended." : adminDenial,
            onSelect: () => setOpen("fail"),
          },
        ]}
      />
      {open === "replay" && <ReplayDialog run={run} onClose={close} onReplayed={onReplayed} />}
      <CancelDialog run={run} isOpen={open === "cancel"} onClose={close} onChanged={onChanged} />
      <FailDialog run={run} isOpen={open === "fail"} onClose={close} onChanged={onChanged} />
    </>
  );
}

interface EndDialogProps {
  run: RunView;
  isOpen: boolean;
  onClose: () => void;
  onChanged: () => void;
}

function CancelDialog({ run, isOpen, onClose, onChanged }: EndDialogProps) {
  const { api } = useEnvironment();
  return (
    <ConfirmDialog
      isOpen={isOpen}
      onClose={onClose}
      title="Cancel this run?"
      confirmLabel="Cancel the run"
      isDanger
      onConfirm={async () => {
        await api.cancelRun(run.id);
        onChanged();
      }}
    >
      Its code is told and has 30 s to clean up; its children are canceled too. This cannot be undone, but the run can
      be replayed.
    </ConfirmDialog>
  );
}

function FailDialog({ run, isOpen, onClose, onChanged }: EndDialogProps) {
  const { api } = useEnvironment();
  const [reason, setReason] = useState(REASON);
  return (
    <ConfirmDialog
      isOpen={isOpen}
      onClose={onClose}
      title="End this run as failed?"
      confirmLabel="End it"
      isDanger
      onConfirm={async () => {
        await api.forceFailRun(run.id, reason.trim() === "" ? REASON : reason);
        onChanged();
      }}
    >
      <p>It becomes SYSTEM_FAILURE at once, whatever its worker does: the last resort where a cancel does not help.</p>
      <Field label="Reason" hint="Shown as the run's error.">
        <Input value={reason} onChange={(event) => setReason(event.target.value)} />
      </Field>
    </ConfirmDialog>
  );
}

const REASON = "Ended by an operator.";

async function copy(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast.success(`${what} was copied`);
  } catch (error) {
    toast.error(`${what} was not copied`, error);
  }
}
