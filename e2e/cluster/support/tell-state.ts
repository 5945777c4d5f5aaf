import { afterEach } from "vitest";
import { Kubectl } from "./kubectl.ts";
import { run } from "./shell.ts";

const LINES = 60;
const EVENT_COLUMNS =
  "AT:.lastTimestamp,KIND:.involvedObject.kind,NAME:.involvedObject.name,REASON:.reason,MESSAGE:.message";

/** What a person would ask the cluster for: a test's own error says what did not come, rarely why. */
async function stateOf(namespace: string): Promise<string> {
  const kubectl = new Kubectl(namespace);
  const asked = await Promise.all(
    [
      kubectl.run("get", "pods,endpoints", "--output", "wide"),
      kubectl.run("get", "events", "--sort-by=.lastTimestamp", "--output", `custom-columns=${EVENT_COLUMNS}`),
      kubectl.run("logs", "--selector=app.kubernetes.io/component=platform", "--tail=30", "--prefix"),
    ].map((printed) => printed.catch((error: Error) => error.message)),
  );
  const told = asked.filter((text) => text !== "").map((text) => text.split("\n").slice(-LINES).join("\n"));
  return [`── ${namespace}`, ...told].join("\n");
}

afterEach(async ({ task }) => {
  if (task.result?.state !== "fail") return;
  const names = await run("kubectl", ["get", "namespaces", "--output", "name"]);
  const namespaces = names.split("\n").flatMap((name) => name.match(/^namespace\/(gantry-e2e.*)/)?.[1] ?? []);
  const states = await Promise.all(namespaces.map(stateOf));
  console.error([`The cluster when "${task.name}" failed, ${new Date().toISOString()}:`, ...states].join("\n\n"));
});
