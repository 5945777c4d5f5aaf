import type { BuildItem } from "@gantry/sdk";
import { Badge } from "../../ui/badge.tsx";
import { BUILD_LOOK } from "./build-facts.ts";

export function BuildBadge({ build: { status, isNew } }: { build: BuildItem }) {
  const { text, tone, icon } = BUILD_LOOK[status];
  if (status === "DEPLOYED" && isNew === false)
    return (
      <Badge icon="minus-circle" title="Nothing had changed since the version in service.">
        Unchanged
      </Badge>
    );
  return (
    <Badge tone={tone} icon={icon} isActive={status === "BUILDING"}>
      {text}
    </Badge>
  );
}
