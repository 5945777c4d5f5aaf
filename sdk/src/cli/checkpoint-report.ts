import type { ClusterItem } from "../client/insight-replies.ts";
import type { RunCheckpointItem } from "../client/replies.ts";
import { type NodeCheckpoints, nodeCheckpoints } from "../contract/checkpoint-nodes-policy.ts";
import { CHECKPOINT_REASONS } from "../contract/checkpoint-policy.ts";
import { byteSize } from "./deploy/byte-size.ts";
import { age, type Terminal, table } from "./terminal.ts";

/** What became of a waiting run's process, in one line: `waiting in Postgres, 5.1 MB, since …, frees small-1x`. */
export function checkpointText(checkpoint: RunCheckpointItem, now: number): string {
  const { mode, storedBytes, failures = 0, parkedAt, frees } = checkpoint;
  return [
    WHERE[mode],
    storedBytes === undefined ? undefined : byteSize(storedBytes),
    `since ${parkedAt.toISOString()} (${age(parkedAt, now)})`,
    frees === undefined ? undefined : `frees ${frees}`,
    failures === 0 ? undefined : `could not be brought back ${failures === 1 ? "once" : `${failures} times`}`,
  ]
    .filter((part) => part !== undefined)
    .join(", ");
}

const WHERE: Record<RunCheckpointItem["mode"], string> = {
  hold: "kept by its worker",
  replay: "left its worker, to be replayed",
  process: "waiting in Postgres",
};

/** Why it was decided so, and which line would have to change. */
export function checkpointWhy({ mode, reason, because }: RunCheckpointItem): string {
  const words: string | undefined = CHECKPOINT_REASONS[reason];
  const line = mode === "hold" && because !== undefined ? ` ${because}` : "";
  return `${reason}: ${words ?? ""}${line}`;
}

export interface Finding {
  name: string;
  /** `no`: something is wrong that keeps runs from starting. `off` needs nothing done. */
  state: "ok" | "no" | "off";
  text: string;
}

/** Whether processes of waiting runs can be stored, and on how many nodes. */
export function checkpointFinding({ executor, checkpoints, nodes }: ClusterItem): Finding {
  const name = "process checkpoints";
  if (executor !== "kubernetes" || checkpoints === undefined)
    return { name, state: "off", text: "need Kubernetes; here a waiting run is held or replayed" };
  if (!checkpoints.isEnabled)
    return {
      name,
      state: "off",
      text: "not switched on: the chart's processCheckpoints.enabled (docs/process-checkpoints.md)",
    };
  if (checkpoints.problem !== undefined) return { name, state: "no", text: checkpoints.problem };
  const known = nodeCheckpoints(checkpoints.nodes, nodes).filter(({ state }) => state !== "gone");
  const working = known.filter(({ state }) => state === "works").length;
  const tried = known.filter(({ state }) => state !== "untried").length;
  if (tried === 0)
    return { name, state: "off", text: "not tried on any node yet: start a run of a task that wants them" };
  const of = known.length === 1 ? "the node" : `${working} of ${known.length} nodes`;
  return working > 0
    ? { name, state: "ok", text: `work on ${of}` }
    : { name, state: "no", text: "work on no node that was tried; waiting runs are held or replayed" };
}

/** One row for each node. */
export function nodesTable({ checkpoints, nodes }: ClusterItem, terminal: Terminal): string | undefined {
  if (!checkpoints?.isEnabled) return undefined;
  const rows = nodeCheckpoints(checkpoints.nodes, nodes).map((node) => nodeRow(node, terminal));
  if (rows.length === 0) return undefined;
  return table(["NODE", "WORKS", "ARCH", "KERNEL", "SEEN", "WHY NOT"], rows, terminal.colors);
}

function nodeRow({ name, state, tried }: NodeCheckpoints<Date>, { colors, now }: Terminal): string[] {
  const works = {
    works: colors.green("yes"),
    fails: colors.red("no"),
    untried: colors.dim("?"),
    gone: colors.dim("-"),
  };
  return [
    name,
    works[state],
    tried?.arch ?? "-",
    tried?.kernel ?? "-",
    tried === undefined ? "-" : age(tried.seenAt, now()),
    whyNot(state, tried?.reason ?? null),
  ];
}

function whyNot(state: NodeCheckpoints<Date>["state"], reason: string | null): string {
  if (state === "untried") return "no run of a task that wants them was there yet";
  if (state === "gone") return "the cluster has it no more";
  return state === "fails" ? (reason ?? "its worker did not say") : "";
}
