import type { MetadataOperation } from "@gantry/sdk/contract";

/** Adds an operation to those that wait to be sent, and leaves out what it makes void. The result of all stays the same. */
export function coalesce(waiting: MetadataOperation[], next: MetadataOperation): MetadataOperation[] {
  if (next.type === "update") return [next];
  // A path may reach into any key, so the order of everything around it is kept.
  if (isPath(next) || waiting.some(isPath)) return [...waiting, next];
  if (next.type === "set" || next.type === "delete") {
    return [...waiting.filter((operation) => operation.type === "update" || operation.key !== next.key), next];
  }
  const last = waiting.at(-1);
  if (next.type === "increment" && last?.type === "increment" && last.key === next.key) {
    return [...waiting.slice(0, -1), { ...last, value: last.value + next.value }];
  }
  return [...waiting, next];
}

function isPath(operation: MetadataOperation): boolean {
  return operation.type !== "update" && operation.key.startsWith("$");
}
