/** A named size of a run's process or pod: cpu in cores, memory in GB (10^9 bytes of a pod's limit are `memory * 1e9`). */
export interface MachinePreset {
  name: string;
  cpu: number;
  memory: number;
}

export const DEFAULT_MACHINE = "small-1x";

export const MACHINE_PRESETS = {
  micro: { name: "micro", cpu: 0.25, memory: 0.25 },
  "small-1x": { name: "small-1x", cpu: 0.5, memory: 0.5 },
  "small-2x": { name: "small-2x", cpu: 1, memory: 1 },
  "medium-1x": { name: "medium-1x", cpu: 1, memory: 2 },
  "medium-2x": { name: "medium-2x", cpu: 2, memory: 4 },
  "large-1x": { name: "large-1x", cpu: 4, memory: 8 },
  "large-2x": { name: "large-2x", cpu: 8, memory: 16 },
} as const satisfies Record<string, MachinePreset>;
export type MachinePresetName = keyof typeof MACHINE_PRESETS;

/** A preset's name, or Trigger.dev's older `{ preset }`; operators may add names of their own. */
export type MachineOption = MachinePresetName | (string & {}) | { preset: MachinePresetName | (string & {}) };

export function machineName(option: MachineOption | undefined): string | undefined {
  return typeof option === "object" ? option.preset : option;
}
