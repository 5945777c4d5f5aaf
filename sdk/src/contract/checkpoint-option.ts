/** How a task or a project says its `checkpoint`; read without a schema library, for task processes load none. */
import type { Checkpoint } from "./checkpoint.ts";
import { didYouMean } from "./did-you-mean.ts";

/** A mode, or what differs from the default. */
export type CheckpointOption = Checkpoint["mode"] | { [K in keyof Checkpoint]?: Checkpoint[K] | undefined };

const MODES = ["auto", "hold", "replay", "process"];
const ON_HOLD_LOST = ["fail", "restart"];
const DAY_MS = 86_400_000;

const oneOf = (names: string[]) => ({
  is: (value: unknown) => names.includes(value as string),
  want: names.map((name) => `"${name}"`).join(" or "),
  names,
});
const bool = { is: (value: unknown) => typeof value === "boolean", want: "true or false", names: [] };
const OPTIONS: Record<keyof Checkpoint, { is(value: unknown): boolean; want: string; names: string[] }> = {
  mode: oneOf(MODES),
  holdMs: {
    is: (value) => typeof value === "number" && value >= 0 && value <= DAY_MS,
    want: "milliseconds, from 0 to a day",
    names: [],
  },
  process: bool,
  strict: bool,
  unchecked: bool,
  onHoldLost: oneOf(ON_HOLD_LOST),
};

/** What was given, `{ mode }` for a mode alone; or what is wrong with it, in words that go on from "checkpoint". */
export function readCheckpoint(option: unknown): Partial<Checkpoint> | string {
  const given = typeof option === "string" ? { mode: option } : option;
  if (typeof given !== "object" || given === null)
    return `is ${String(option)}: it is a mode (${OPTIONS.mode.want}) or an object`;
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  for (const [name, value] of set) {
    const option = Object.hasOwn(OPTIONS, name) ? OPTIONS[name as keyof Checkpoint] : undefined;
    if (!option)
      return `has no option "${name}"${suggestion(name, Object.keys(OPTIONS)) ?? `: it has ${Object.keys(OPTIONS).join(", ")}`}`;
    if (!option.is(value))
      return `has ${name}: ${show(value)}${suggestion(value, option.names) ?? `: it takes ${option.want}`}`;
  }
  return Object.fromEntries(set);
}

function suggestion(name: unknown, candidates: string[]): string | undefined {
  const meant = typeof name === "string" ? didYouMean(name, candidates) : undefined;
  return meant === undefined ? undefined : `; did you mean "${meant}"?`;
}

function show(value: unknown): string {
  return typeof value === "string" ? `"${value}"` : String(value);
}
