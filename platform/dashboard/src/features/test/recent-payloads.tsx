import { useQuery } from "@tanstack/react-query";
import { useEnvironment } from "../../session/session-provider.tsx";
import { Button } from "../../ui/button.tsx";
import { formatRelative } from "../../ui/format.ts";
import { Menu } from "../../ui/menu.tsx";
import { RUN_STATUS_LOOK } from "../../ui/run-status-look.ts";
import { toast } from "../../ui/toast.tsx";
import { toJsonText } from "../run/shown-value.ts";
import { fetchRun } from "../run/use-run.ts";

interface RecentPayloadsProps {
  taskId: string;
  /** Payload as text. */
  onPick: (text: string) => void;
}

/** Payloads of the task's latest runs, to start from. */
export function RecentPayloads({ taskId, onPick }: RecentPayloadsProps) {
  const { api, key } = useEnvironment();
  const { data = [] } = useQuery({
    queryKey: key("recent-payloads", taskId),
    queryFn: async () => (await api.listRuns({ taskIdentifier: taskId, limit: 10 })).data,
  });
  const pick = async (runId: string) => {
    try {
      const { payload, payloadPresignedUrl } = await fetchRun(api, runId);
      if (payloadPresignedUrl !== undefined) return toast.info("That payload is too large for this editor.");
      onPick(payload === undefined ? "" : toJsonText(payload));
    } catch (error) {
      toast.error("The payload could not be loaded", error);
    }
  };
  const now = Date.now();
  return (
    <Menu
      label="Recent payloads"
      align="end"
      trigger={(trigger) => (
        <Button
          size="sm"
          icon="clock"
          disabledReason={data.length === 0 ? "It has no runs yet." : undefined}
          {...trigger}
        >
          Recent payloads
        </Button>
      )}
      items={data.map(({ id, status, createdAt }) => ({
        label: <span className="mono">run_…{id.slice(-6)}</span>,
        icon: RUN_STATUS_LOOK[status].icon,
        hint: formatRelative(createdAt.getTime(), now),
        onSelect: () => void pick(id),
      }))}
    />
  );
}
