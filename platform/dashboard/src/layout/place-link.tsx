import type { ReactNode } from "react";
import { useEnvironment } from "../session/session-provider.tsx";
import type { IconName } from "../ui/icon.tsx";
import { Link, LinkButton } from "../ui/link.tsx";
import type { SearchParams } from "./search-params.ts";

interface PlaceProps {
  /** The page within the environment, as the router names it: `tasks/$taskId`. */
  page: string;
  params?: Record<string, string>;
  search?: SearchParams;
  children: ReactNode;
}

/** Pages are registered by their path alone, so the router's types know none of them here. */
function useTarget({ page, params, search }: Omit<PlaceProps, "children">) {
  const { project, environment } = useEnvironment();
  return {
    to: `/projects/$project/$environment/${page}` as "/projects/$project/$environment/runs",
    params: { project, environment, ...params },
    search: search ?? {},
  } as const;
}

/** A link to another page of the same environment. */
export function PlaceLink({ look, children, ...place }: PlaceProps & { look?: "accent" | "quiet" | "plain" }) {
  return (
    <Link {...useTarget(place)} look={look ?? "accent"}>
      {children}
    </Link>
  );
}

interface ButtonLook {
  variant?: "primary" | "secondary" | "ghost";
  size?: "sm" | "md";
  icon?: IconName;
}

/** The same, as a button. */
export function PlaceButton({ variant = "secondary", size = "md", icon, children, ...place }: PlaceProps & ButtonLook) {
  return (
    <LinkButton {...useTarget(place)} variant={variant} size={size} icon={icon}>
      {children}
    </LinkButton>
  );
}

/** A run by its id, short where there is little room. */
export function RunLink({ runId, isShort = false }: { runId: string; isShort?: boolean }) {
  return (
    <PlaceLink page="runs/$runId" params={{ runId }}>
      <span className="mono" title={runId}>
        {isShort ? `run_…${runId.slice(-6)}` : runId}
      </span>
    </PlaceLink>
  );
}

export function TaskLink({ taskId }: { taskId: string }) {
  return (
    <PlaceLink page="tasks/$taskId" params={{ taskId }} look="quiet">
      {taskId}
    </PlaceLink>
  );
}
