/** What is known of each node: whether processes of waiting runs can be stored there and brought back. Pure. */

/** As `GET /api/v1/cluster` tells, with instants as text or as Dates. */
export interface TriedNode<Instant> {
  name: string;
  works: boolean;
  reason: string | null;
  arch: string;
  kernel: string;
  seenAt: Instant;
}

/**
 * `works` and `fails` as the last worker there has found. `untried`: no worker of a task that wants it was there yet. A node
 * that the cluster does not have any more is `gone`.
 */
export type NodeCheckpointState = "works" | "fails" | "untried" | "gone";

export interface NodeCheckpoints<Instant> {
  name: string;
  state: NodeCheckpointState;
  tried: TriedNode<Instant> | undefined;
}

/** Every node that was tried or that the cluster has, by name; `nodes` is null where nobody may see which it has. */
export function nodeCheckpoints<Instant>(
  tried: readonly TriedNode<Instant>[],
  nodes: readonly { name: string }[] | null,
): NodeCheckpoints<Instant>[] {
  const present = nodes && new Set(nodes.map(({ name }) => name));
  const known = tried.map((node): NodeCheckpoints<Instant> => {
    const isGone = present !== null && !present.has(node.name);
    return { name: node.name, state: isGone ? "gone" : node.works ? "works" : "fails", tried: node };
  });
  const names = new Set(tried.map(({ name }) => name));
  const untried = (nodes ?? []).filter(({ name }) => !names.has(name));
  return [
    ...known,
    ...untried.map(({ name }): NodeCheckpoints<Instant> => ({ name, state: "untried", tried: undefined })),
  ].toSorted((a, b) => a.name.localeCompare(b.name));
}
