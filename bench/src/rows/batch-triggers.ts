import type { Bench } from "../bench.ts";
import { ratePerSecond } from "../measure.ts";
import { type Payload, samplePayload } from "../peers/peer.ts";
import { bestPostgresPeer, type Contender, inTurn, times, valueOf } from "../rounds.ts";
import type { Row } from "../row.ts";

const BATCH = 1000;
const IN_FLIGHT = 2;
const batch: Payload[] = Array.from({ length: BATCH }, (_, number) => samplePayload(number));

/** Batches of 1000, two in flight. Gantry's are a create and an NDJSON post each, every item validated. */
export const batchTriggers: Row = {
  id: "batch",
  what: "batch-triggered runs/s, 1000 a call, 2 calls in flight",
  goal: "≥ 20,000",
  async measure(bench) {
    const peers = await bench.peers();
    const figures = await bench.withGantry({ isPaused: true }, (gantry) =>
      inTurn(
        bench.effort,
        [
          contender(bench, "Gantry", () => gantry.triggerBatch(batch)),
          ...peers.map((peer) => ({
            ...contender(
              bench,
              peer.name,
              () => peer.addMany(batch),
              () => peer.clear(),
            ),
            note: peer.note,
          })),
        ],
        bench.log,
      ),
    );
    const rate = valueOf(figures, "Gantry");
    return {
      figures,
      unit: "/s",
      isMet: rate >= 20_000,
      verdict: `${times(rate / bestPostgresPeer(figures))} the best Postgres peer`,
      notes: [],
    };
  },
};

function contender(bench: Bench, system: string, add: () => Promise<void>, after = async () => {}): Contender {
  const { roundMs, warmUpMs } = bench.effort;
  return {
    system,
    async measure() {
      const rate = await ratePerSecond(add, { inFlight: IN_FLIGHT, durationMs: roundMs, warmUpMs });
      await after();
      return rate * BATCH;
    },
  };
}
