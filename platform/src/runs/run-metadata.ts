import { applyMetadataOperations, type Limits, type Metadata, type MetadataOperation } from "@gantry/sdk/contract";
import { AppError } from "../errors.ts";
import { decodeId, encodeId } from "../ids.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import { runNotFound } from "./run-ids.ts";
import type { RunService } from "./run-service.ts";
import type { RunsDeps } from "./trigger-runs.ts";

/** Replaces a run's metadata, or applies operations to it and its relatives; see RunService.updateMetadata. */
export async function changeMetadata(
  deps: RunsDeps,
  environment: EnvironmentRef,
  runId: string,
  change: Parameters<RunService["updateMetadata"]>[2],
): Promise<Metadata> {
  const limits = await deps.limits(environment);
  const after = await deps.store.updateMetadata(environment.id, runId, (current) => {
    const base = change.replace === undefined ? current : change.replace.data.toString("utf8");
    return metadataAfter(base, change.operations ?? [], limits);
  });
  if (after === undefined) throw runNotFound(encodeId("run", runId));
  if (change.parentOperations?.length || change.rootOperations?.length) {
    const run = await deps.store.retrieve(environment.id, runId);
    await applyToRelative(deps, environment.id, run?.parentRunId ?? run?.id, change.parentOperations, limits);
    await applyToRelative(deps, environment.id, run?.rootRunId ?? run?.id, change.rootOperations, limits);
  }
  return JSON.parse(after) as Metadata;
}

/** Without a parent or root, the run itself takes their operations, as in Trigger.dev. */
export async function applyToRelative(
  deps: Pick<RunsDeps, "store">,
  environmentId: number,
  relativeId: string | undefined,
  operations: MetadataOperation[] | undefined,
  limits: Limits,
): Promise<void> {
  const uuid = relativeId === undefined ? undefined : decodeId("run", relativeId);
  if (uuid === undefined || operations === undefined || operations.length === 0) return;
  await deps.store.updateMetadata(environmentId, uuid, (current) => metadataAfter(current, operations, limits));
}

export function metadataAfter(current: string | undefined, operations: MetadataOperation[], limits: Limits): string {
  const before = current === undefined ? {} : objectOf(current);
  const text = JSON.stringify(applyMetadataOperations(before, operations));
  const size = Buffer.byteLength(text);
  if (size > limits.metadataBytes) {
    throw new AppError(
      "METADATA_TOO_LARGE",
      `The metadata would have ${size} bytes; the limit (metadataBytes) is ${limits.metadataBytes}.`,
      {
        details: { limit: "metadataBytes", max: limits.metadataBytes, size },
      },
    );
  }
  return text;
}

/** The API takes objects only; should anything else be stored, operations start from nothing rather than fail for ever. */
function objectOf(text: string): Metadata {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Metadata) : {};
  } catch {
    return {};
  }
}
