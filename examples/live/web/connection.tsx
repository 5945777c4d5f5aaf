import type { ConnectionState } from "@gantry/sdk/react";
import type { ReactNode } from "react";

const WORDS: Record<ConnectionState, string> = {
  live: "Live",
  polling: "Every few seconds",
  connecting: "Connecting…",
  closed: "Not connected",
};

/** How what is shown gets here; a page that shows something old says so. */
export function Connection({ connection, isOver }: { connection: ConnectionState; isOver: boolean }): ReactNode {
  if (isOver) return null;
  return (
    <span className={`connection is-${connection}`} role="status">
      {WORDS[connection]}
    </span>
  );
}
