import { afterEach } from "vitest";
import { run } from "./shell.ts";

const EVENT_COLUMNS =
  "AT:.lastTimestamp,KIND:.involvedObject.kind,NAME:.involvedObject.name,REASON:.reason,MESSAGE:.message";

/** The last lines of what kubectl prints, or of why it could not. */
async function last(lines: number, args: string[]): Promise<string> {
  const printed = await run("kubectl", args).catch((error: Error) => error.message);
  return printed.split("\n").slice(-lines).join("\n");
}

/** What a person would ask the cluster for: a test's own error says what did not come, rarely why. */
async function stateOf(namespace: string): Promise<string> {
  const inNamespace = ["--namespace", namespace];
  const [objects, events, logs] = await Promise.all([
    last(60, [...inNamespace, "get", "pods,endpoints", "--output", "wide"]),
    last(60, [
      ...inNamespace,
      "get",
      "events",
      "--sort-by=.lastTimestamp",
      "--output",
      `custom-columns=${EVENT_COLUMNS}`,
    ]),
    last(60, [...inNamespace, "logs", "--selector=app.kubernetes.io/component=platform", "--tail=30", "--prefix"]),
  ]);
  return [`── ${namespace}`, objects, events, logs].filter((part) => part !== "").join("\n");
}

afterEach(async ({ task }) => {
  if (task.result?.state !== "fail") return;
  const names = await last(20, ["get", "namespaces", "--output", "name"]);
  const namespaces = names.split("\n").flatMap((name) => name.match(/^namespace\/(gantry-e2e.*)/)?.[1] ?? []);
  const states = await Promise.all(namespaces.map(stateOf));
  console.error([`The cluster when "${task.name}" failed, ${new Date().toISOString()}:`, ...states].join("\n\n"));
});
