import { setTimeout as delay } from "node:timers/promises";
import type { Row } from "../../row.ts";
import type { ClusterBench } from "../cluster-bench.ts";

const MB = 2 ** 20;
const REST_MS = 20_000;
/** What kubelet counts against a limit: all that is used but files that can be dropped; cgroup v1 and v2. */
const WORKING_SET = `
  cd /sys/fs/cgroup
  if [ -d memory ]; then cd memory; used=$(cat memory.usage_in_bytes); idle=$(awk '/^total_inactive_file/{print $2}' memory.stat)
  else used=$(cat memory.current); idle=$(awk '/^inactive_file/{print $2}' memory.stat); fi
  echo $((used - idle))`;

export const podMemory: Row<ClusterBench> = {
  id: "pod-memory",
  what: "platform pod, idle",
  goal: "≤ 250 MB",
  async measure({ installation }) {
    const { platform, deployment } = installation;
    await platform.run("rollout", "restart", deployment);
    await platform.run("rollout", "status", deployment, "--timeout=120s");
    await delay(REST_MS);
    const megabytes = Number(await platform.run("exec", deployment, "--", "sh", "-c", WORKING_SET)) / MB;
    return {
      figures: [{ system: "Gantry", value: megabytes }],
      unit: "MB",
      isMet: megabytes <= 250,
      verdict: `${megabytes.toFixed(0)} MB`,
      notes: [`the pod's working set, ${REST_MS / 1000} s after its start, with its watches open.`],
    };
  },
};
