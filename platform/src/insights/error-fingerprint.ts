import { createHash } from "node:crypto";
import type { RunStatus, WireError } from "@gantry/sdk/contract";

const MAX_MESSAGE = 500;
const MAX_FRAMES = 50;

/**
 * What makes two errors of a task alike: name, code, the shape of the message, and the function and file that threw. Lines
 * and columns are not in it, so that a deploy does not begin new groups. 16 hexadecimal digits.
 *
 * Undefined where the run did not fail: COMPLETED and CANCELED ones are in no group.
 */
export function errorFingerprint(status: RunStatus, error: WireError | undefined): string | undefined {
  if (status === "COMPLETED" || status === "CANCELED") return undefined;
  const parts =
    error === undefined ? [status] : [error.name, error.code ?? "", messageShape(error.message), ownFrame(error.stack)];
  return createHash("sha256").update(parts.join("\0")).digest("hex").slice(0, 16);
}

/** A message without what differs from run to run: ids, numbers, instants, addresses, what stands in quotes. */
export function messageShape(message: string): string {
  const [firstLine = ""] = message.slice(0, MAX_MESSAGE).split("\n");
  return firstLine
    .replaceAll(/\d{4}-\d\d-\d\d[T ][\d:.]+Z?/g, "<time>")
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, "<id>")
    .replaceAll(/\b(run|batch|sched|waitpoint|deployment|execution)_[0-9a-z]{26}\b/g, "<id>")
    .replaceAll(/\b[\w.+-]+@[\w-]+\.[\w.-]+/g, "<email>")
    .replaceAll(/\b[0-9a-f]*\d[0-9a-f]{7,}\b/gi, "<id>")
    .replaceAll(/"[^"]*"|'[^']*'|`[^`]*`/g, "<text>")
    .replaceAll(/\d+(\.\d+)?/g, "<n>")
    .trim();
}

/** The first line of a stack that is neither Node's nor a package's: its function and file. Empty where there is none. */
export function ownFrame(stack: string | undefined): string {
  for (const line of (stack ?? "").split("\n", MAX_FRAMES)) {
    const frame = /^\s*at (?:(?:async )?(?<name>[^()]{1,200}) \()?(?<place>[^()]{1,1000}?)(?::\d+){1,2}\)?\s*$/.exec(
      line,
    )?.groups;
    if (frame === undefined || /node_modules|^node:|^internal\/|<anonymous>/.test(frame.place ?? "")) continue;
    return `${frame.name ?? ""} ${baseName(frame.place ?? "")}`;
  }
  return "";
}

/** Folders differ from laptop to image, and a bundle's file from version to version by the hash in its name. */
function baseName(place: string): string {
  return (place.split(/[/\\]/).at(-1) ?? "").replaceAll(/[-.][0-9A-Z]{8}(?=\.)/g, "");
}
