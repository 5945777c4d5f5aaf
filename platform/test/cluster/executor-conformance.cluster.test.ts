import { executorConformance } from "../conformance/executor.ts";
import { clusterFixture, KUBECONFIG } from "./cluster-fixture.ts";

executorConformance("kubernetes", {
  make: kubernetesPlace,
  skip: KUBECONFIG === undefined ? "KUBECONFIG names no cluster" : undefined,
});

async function kubernetesPlace() {
  const cluster = await clusterFixture();
  return {
    start: () => cluster.executor(),
    request: () => cluster.request(),
    async workersOf({ executionId }: { executionId: string }) {
      const pods = (await cluster.pods()).filter(({ metadata }) => metadata.name.includes(executionId));
      return pods
        .filter(({ metadata, status }) => metadata.deletionTimestamp === undefined && status?.phase !== "Failed")
        .map(({ metadata }) => metadata.name);
    },
    close: () => cluster.remove(),
  };
}
