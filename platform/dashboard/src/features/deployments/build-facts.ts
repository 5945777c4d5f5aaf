import type { BuildStatus } from "@gantry/sdk/contract";
import type { IconName } from "../../ui/icon.tsx";
import type { Tone } from "../../ui/tone.ts";

export interface BuildLineFact {
  index: number;
  step?: string | undefined;
  message: string;
  at: Date;
}
export interface BuildStep {
  step: string;
  message: string;
  startedAt: Date;
  /** When the next step began, or the build ended; undefined while it goes on. */
  endedAt: Date | undefined;
  lines: BuildLineFact[];
}

/** Lines under the step that they belong to. What comes before the first step belongs to one without a name. */
export function groupSteps(lines: readonly BuildLineFact[], endedAt: Date | undefined): BuildStep[] {
  const steps: BuildStep[] = [];
  for (const line of lines) {
    const last = steps.at(-1);
    if (line.step !== undefined || last === undefined) {
      if (last !== undefined) last.endedAt = line.at;
      const isStep = line.step !== undefined;
      steps.push({
        step: line.step ?? "",
        message: isStep ? line.message : "Beginning",
        startedAt: line.at,
        endedAt,
        lines: isStep ? [] : [line],
      });
    } else last.lines.push(line);
  }
  return steps;
}

/** "Node.js 24.21.0", however a manifest writes it. */
export function runtimeWords(runtime: string | null, version: string | null): string {
  const [name = "", written] = (runtime ?? "").split(/-(?=\d)/);
  const words = name === "node" ? "Node.js" : name;
  return [words, version ?? written].filter(Boolean).join(" ");
}

export const BUILD_LOOK: Record<BuildStatus, { text: string; tone: Tone; icon: IconName }> = {
  BUILDING: { text: "Building", tone: "info", icon: "spinner" },
  DEPLOYED: { text: "Deployed", tone: "success", icon: "check-circle" },
  FAILED: { text: "Failed", tone: "danger", icon: "x-circle" },
  CANCELED: { text: "Canceled", tone: "neutral", icon: "cancel" },
};

/** What somebody can do about a build that failed. */
export function buildRemedy(code: string): string | undefined {
  return REMEDIES[code];
}

const REMEDIES: Record<string, string> = {
  BUILD_CUT_OFF: "The platform that built it was restarted. Deploy again: what is in the registry is not sent twice.",
  REGISTRY_UNAVAILABLE: "Check the platform's way to its registry. What serves goes on serving.",
  REGISTRY_DENIED: "Check the registry's credentials in the chart. What serves goes on serving.",
  NO_IMAGE_BUILDER: "Set a registry, or the docker builder, in the chart.",
  WRONG_ARCHITECTURE: "Build for the cluster's processors: GANTRY_PLATFORM_BUILD_PLATFORMS names them.",
  DEPLOY_IN_PROGRESS: "Another deploy of this environment went on. Deploy again when it is done.",
};
