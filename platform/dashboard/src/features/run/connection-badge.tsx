import type { ConnectionReason, RunObserver } from "@gantry/sdk";
import { Badge } from "../../ui/badge.tsx";
import { useConnection } from "./use-run.ts";

const REASONS: Partial<Record<ConnectionReason, string>> = {
  SOCKET_LOST: "The connection broke; what is shown is as of before.",
  SOCKET_UNAVAILABLE: "No WebSocket comes through: the platform is asked every few seconds instead.",
  UNREACHABLE: "The platform does not answer; what is shown is as of before.",
  TOKEN_EXPIRED: "The session is being renewed.",
  REFUSED: "The platform refused to send updates.",
};

/** Whether what is shown is how it is now. Nothing where nothing more can come. */
export function ConnectionBadge({ observer }: { observer: RunObserver }) {
  const { connection, reason } = useConnection(observer);
  if (reason === "ENDED" || reason === "STOPPED") return null;
  const title = REASONS[reason];
  const more = title === undefined ? {} : { title };
  return (
    <span role="status" aria-label="Live updates">
      {connection === "live" && (
        <Badge tone="success" icon="bolt">
          Live
        </Badge>
      )}
      {connection === "polling" && (
        <Badge tone="warning" icon="refresh" {...more}>
          Polling
        </Badge>
      )}
      {connection === "connecting" && (
        <Badge tone={reason === "STARTING" ? "neutral" : "warning"} icon="spinner" isActive {...more}>
          {reason === "STARTING" ? "Connecting" : "Reconnecting"}
        </Badge>
      )}
      {connection === "closed" && (
        <Badge tone="danger" icon="alert" {...more}>
          Not live
        </Badge>
      )}
    </span>
  );
}
