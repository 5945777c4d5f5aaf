import type { TokenStatus } from "@gantry/sdk/contract";
import { Badge } from "../../ui/badge.tsx";
import { RelativeTime } from "../../ui/time.tsx";
import { TOKEN_LOOK } from "./token-facts.ts";

export function TokenStatusBadge({ status }: { status: TokenStatus }) {
  const { text, tone, icon } = TOKEN_LOOK[status];
  return (
    <Badge tone={tone} icon={icon}>
      {text}
    </Badge>
  );
}

interface TokenDueProps {
  token: { status: TokenStatus; timeoutAt?: Date | undefined; completedAt?: Date | undefined };
}

/** When it ends by itself, or when it ended. */
export function TokenDue({ token: { status, timeoutAt, completedAt } }: TokenDueProps) {
  if (status !== "WAITING") return completedAt === undefined ? <>–</> : <RelativeTime at={completedAt} />;
  return timeoutAt === undefined ? <span className="muted">never</span> : <RelativeTime at={timeoutAt} />;
}
