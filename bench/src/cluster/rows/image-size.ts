import type { Row } from "../../row.ts";
import type { ClusterBench } from "../cluster-bench.ts";

const MB = 1e6;
const REGISTRY = process.env.GANTRY_BENCH_REGISTRY ?? "http://localhost:5000";
const ACCEPT = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

/** What the worker image adds to the Node image that it is made from, compressed as it travels. */
export const imageSize: Row<ClusterBench> = {
  id: "image",
  what: "worker image over the Node base",
  goal: "≤ 10 MB",
  async measure() {
    const [base, worker] = [await bytesOf("gantry/base-node", "24"), await bytesOf("gantry/worker", "dev")];
    const added = (worker - base) / MB;
    return {
      figures: [{ system: "Gantry", value: added }],
      unit: "MB",
      isMet: added <= 10,
      verdict: `${added.toFixed(2)} MB on a base of ${(base / MB).toFixed(0)} MB`,
      notes: ["layers as the registry holds them."],
    };
  },
};

async function bytesOf(repository: string, tag: string): Promise<number> {
  const url = `${REGISTRY}/v2/${repository}/manifests/${tag}`;
  const reply = await fetch(url, { headers: { accept: ACCEPT } });
  if (!reply.ok) throw new Error(`${url}: ${reply.status}; make cluster-images pushes it`);
  const { layers } = (await reply.json()) as { layers: { size: number }[] };
  return layers.reduce((sum, layer) => sum + layer.size, 0);
}
