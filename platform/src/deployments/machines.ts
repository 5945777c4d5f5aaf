import {
  DEFAULT_MACHINE,
  MACHINE_PRESETS,
  type MachinePreset,
  type Manifest,
  type TaskDeclaration,
} from "@gantry/sdk/contract";

/** The installation's presets by name: Gantry's own, and what the operator added or resized. */
export type Machines = ReadonlyMap<string, MachinePreset>;

export function machinesWith(extra: Readonly<Record<string, { cpu: number; memory: number }>> = {}): Machines {
  const added = Object.entries(extra).map(([name, size]) => [name, { name, ...size }] as const);
  return new Map<string, MachinePreset>([...Object.entries(MACHINE_PRESETS), ...added]);
}

/** The preset of a run: asked for at its trigger, else the task's, else the project's, else small-1x. */
export function presetOf(
  machines: Machines,
  manifest: Manifest,
  task: TaskDeclaration | undefined,
  asked: string | undefined,
): MachinePreset {
  const name = asked ?? task?.machine ?? manifest.defaultMachine ?? DEFAULT_MACHINE;
  return machines.get(name) ?? machines.get(DEFAULT_MACHINE) ?? MACHINE_PRESETS[DEFAULT_MACHINE];
}
