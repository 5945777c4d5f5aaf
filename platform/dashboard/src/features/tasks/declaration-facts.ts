import { DEFAULT_MACHINE, MACHINE_PRESETS, type TaskDeclaration } from "@gantry/sdk/contract";

export interface DeclarationFact {
  label: string;
  value: string;
  /** What it means, where the value does not say it. */
  note?: string;
}
type Declaration = Omit<TaskDeclaration, "payloadSchema">;

/** What a task declares, one line each, defaults said where it declares nothing. `isDev`: attempts default to one. */
export function declarationFacts(declaration: Declaration, isDev: boolean): DeclarationFact[] {
  return [
    queueFact(declaration),
    machineFact(declaration),
    retryFact(declaration, isDev),
    { label: "Max duration", ...maxDuration(declaration) },
    { label: "ttl", ...ttl(declaration, isDev) },
    checkpointFact(declaration),
    ...(declaration.podTemplate === undefined
      ? []
      : [{ label: "Pod template", value: declaration.podTemplate, note: "runs.templates in the chart" }]),
    {
      label: "Defined in",
      value: declaration.filePath,
      ...(declaration.exportName === undefined ? {} : { note: `export ${declaration.exportName}` }),
    },
  ];
}

function queueFact({ id, queue }: Declaration): DeclarationFact {
  return queue === undefined || queue === `task/${id}`
    ? { label: "Queue", value: "its own", note: `task/${id}` }
    : { label: "Queue", value: queue };
}

function machineFact({ machine }: Declaration): DeclarationFact {
  const name = machine ?? DEFAULT_MACHINE;
  const preset = Object.values(MACHINE_PRESETS).find((each) => each.name === name);
  const note = preset === undefined ? "a preset of your installation" : `${preset.cpu} cpu, ${preset.memory} GB`;
  return { label: "Machine", value: name, note: machine === undefined ? `${note}, the default` : note };
}

function retryFact({ retry = {} }: Declaration, isDev: boolean): DeclarationFact {
  const attempts = retry.maxAttempts ?? (isDev ? 1 : 3);
  if (attempts === 1) return { label: "Retry", value: "no retry" };
  const { minTimeoutInMs: min = 1000, maxTimeoutInMs: max = 60_000, factor = 2 } = retry;
  const machine = retry.outOfMemory?.machine;
  const spread = `after ${seconds(min / 1000)} to ${seconds(max / 1000)}, factor ${factor}`;
  return {
    label: "Retry",
    value: `${attempts} attempts${retry.maxAttempts === undefined ? " (default)" : ""}`,
    note: machine === undefined ? spread : `${spread}; out of memory: on ${machine}`,
  };
}

function maxDuration({ maxDuration: limit }: Declaration): Omit<DeclarationFact, "label"> {
  return limit === undefined ? { value: "none" } : { value: seconds(limit), note: "compute time; waits do not count" };
}

function ttl({ ttlMs }: Declaration, isDev: boolean): Omit<DeclarationFact, "label"> {
  if (ttlMs !== undefined) return { value: seconds(ttlMs / 1000), note: "a run that has not started by then expires" };
  return isDev ? { value: "10m", note: "the default in development" } : { value: "none" };
}

function checkpointFact({ checkpoint }: Declaration): DeclarationFact {
  const set = Object.entries(checkpoint ?? {}).filter(([, value]) => value !== undefined);
  if (set.length === 0) return { label: "Checkpoint", value: "as the project says" };
  return { label: "Checkpoint", value: set.map(([name, value]) => `${name}: ${String(value)}`).join(", ") };
}

/** "90s", "5m", "1h 30m". */
function seconds(total: number): string {
  if (total < 120 || total % 60 !== 0) return `${Number(total.toFixed(1))}s`;
  const minutes = total / 60;
  if (minutes < 120) return `${minutes}m`;
  const rest = minutes % 60;
  return `${Math.floor(minutes / 60)}h${rest === 0 ? "" : ` ${rest}m`}`;
}
