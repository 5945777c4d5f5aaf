import { CHECKPOINT_REASONS, type OpenWait, type UnsafeEffect } from "@gantry/sdk/contract";
import type { CheckpointDecision } from "./checkpoint-policy.ts";

/** What a run's trace says of a decision about its worker; `why` where the reason's own words are not all. */
export function decisionNote(waits: OpenWait[], { mode, reason }: CheckpointDecision, why?: string): string {
  return `The run waits for ${waitsText(waits)}; ${BECOMES[mode]}: ${reason}. ${CHECKPOINT_REASONS[reason]}${why === undefined ? "" : ` (${why})`}`;
}

/** What it says of a process that could not be stored. */
export function failureNote(why: string): string {
  return `The process could not be stored, and goes on as before: ${why}`;
}

const BECOMES: Record<CheckpointDecision["mode"], string> = {
  hold: "its process is kept",
  replay: "its process ends, and it goes on in another",
  process: "its process is stored, to go on where it stands",
};

/** How the line that forbids a replay is repaired. */
export function unsafeWarning({ what, line, call }: UnsafeEffect): string {
  const happened = `${what[0]?.toUpperCase()}${what.slice(1)}`;
  const where = line === undefined ? "" : ` (${line})`;
  // What a step does is wrapped already: the words say what it lacks.
  if (what.includes(" in a step ")) return `${happened}: ${call ?? "a call"}${where} keeps this process`;
  return `${happened}: wrap ${call ?? "the call"}${where} in step.run to free this process`;
}

const NAMED = 3;

function waitsText(waits: OpenWait[]): string {
  const named = waits.slice(0, NAMED).map(({ label }) => label);
  const more = waits.length - named.length;
  return [...named, ...(more > 0 ? [`${more} more`] : [])].join(", ") || "something";
}
