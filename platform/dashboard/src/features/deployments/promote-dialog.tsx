import type { DeploymentItem } from "@gantry/sdk";
import { ConfirmDialog } from "../../ui/dialog.tsx";
import { TaskChanges } from "./task-changes.tsx";
import { usePromote } from "./use-deployments.ts";

interface PromoteDialogProps {
  version: string;
  /** What serves now; undefined where nothing does. */
  current: Pick<DeploymentItem, "version"> | undefined;
  onClose: () => void;
}

/** Asks before another version serves, and shows what that changes. */
export function PromoteDialog({ version, current, onClose }: PromoteDialogProps) {
  const { perform } = usePromote();
  const isBack = current !== undefined && isOlder(version, current.version);
  return (
    <ConfirmDialog
      isOpen
      onClose={onClose}
      title={isBack ? `Roll back to ${version}?` : `Promote ${version}?`}
      confirmLabel={isBack ? "Roll back" : "Promote"}
      onConfirm={() => perform(version)}
    >
      <p>
        New runs start on {version}, with its queues and schedules. Runs that have started keep their version
        {current === undefined ? "" : `; ${current.version} can be promoted again at any time`}.
      </p>
      {current !== undefined && <TaskChanges from={current.version} to={version} />}
    </ConfirmDialog>
  );
}

/** Versions are `YYYYMMDD.N`. */
export function isOlder(version: string, than: string): boolean {
  const [day = "", number = "0"] = version.split(".");
  const [otherDay = "", otherNumber = "0"] = than.split(".");
  return day === otherDay ? Number(number) < Number(otherNumber) : day < otherDay;
}
