import type { RunView } from "../../../e2e/support/api.ts";
import { eventually } from "../../../e2e/support/eventually.ts";
import type { ClusterBench } from "./cluster-bench.ts";

/** Long enough that the pod is gone when the wait ends. */
const WAIT_MS = 6_000;

/** One run that waited in Postgres, and a bare Job beside it. Milliseconds and bytes. */
export interface StoredRound {
  storedMs: number;
  goesOnMs: number;
  bareMs: number;
  bytes: number;
  storedBytes: number;
}

interface Waiting extends RunView {
  checkpoint?: { mode: string; parkedAt: string; bytes?: number; storedBytes?: number };
}

const measured = new WeakMap<ClusterBench, Promise<StoredRound[]>>();

/** The same rounds for each row that is made from them. */
export function storedRounds(bench: ClusterBench): Promise<StoredRound[]> {
  const rounds = measured.get(bench) ?? measure(bench);
  measured.set(bench, rounds);
  return rounds;
}

/** In turns, so that both meet the same weather. */
async function measure(bench: ClusterBench): Promise<StoredRound[]> {
  await storedRound(bench); // It brings the image to the node.
  const rounds: StoredRound[] = [];
  for (let round = 0; round < bench.rounds; round++) {
    const bareMs = await bareRound(bench);
    rounds.push({ ...(await storedRound(bench)), bareMs });
  }
  return rounds;
}

async function bareRound({ bare }: ClusterBench): Promise<number> {
  const startedAt = Date.now();
  const name = await bare.create();
  await bare.untilDone([name]);
  return (await bare.firstLineAt(name)) - startedAt;
}

async function storedRound({ api }: ClusterBench): Promise<Omit<StoredRound, "bareMs">> {
  const runId = await api.trigger("stores", { waitMs: WAIT_MS });
  const checkpoint = await eventually(`the stored process of ${runId}`, async () => {
    const run = (await api.run(runId)) as Waiting;
    if (run.status === "COMPLETED") throw new Error(`${runId} has gone on without being stored`);
    return run.checkpoint?.mode === "process" ? run.checkpoint : undefined;
  });
  const { output } = await api.untilStatus(runId, "COMPLETED");
  const { waitsAt, dueAt, goesOnAt } = output as { waitsAt: number; dueAt: number; goesOnAt: number };
  return {
    storedMs: Date.parse(checkpoint.parkedAt) - waitsAt,
    goesOnMs: goesOnAt - dueAt,
    bytes: checkpoint.bytes ?? Number.NaN,
    storedBytes: checkpoint.storedBytes ?? Number.NaN,
  };
}
