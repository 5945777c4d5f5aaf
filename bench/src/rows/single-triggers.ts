import type { Bench } from "../bench.ts";
import { ratePerSecond } from "../measure.ts";
import { samplePayload } from "../peers/peer.ts";
import { bestPostgresPeer, type Contender, inTurn, times, valueOf } from "../rounds.ts";
import type { Row } from "../row.ts";

const IN_FLIGHT = 50;

/** Peers add through their own library; Gantry's triggers go over HTTP to another process, authenticated and validated. */
export const singleTriggers: Row = {
  id: "single",
  what: "single triggers/s, 50 in flight (Gantry over HTTP, peers by their library)",
  goal: "≥ 1.5× the best Postgres peer, and ≥ 2,000",
  async measure(bench) {
    const peers = await bench.peers();
    const figures = await bench.withGantry({ isPaused: true }, (gantry) =>
      inTurn(
        bench.effort,
        [
          contender(bench, "Gantry", (number) => gantry.trigger(samplePayload(number))),
          ...peers.map((peer) => ({
            ...contender(
              bench,
              peer.name,
              (number) => peer.add(samplePayload(number)),
              () => peer.clear(),
            ),
            note: peer.note,
          })),
        ],
        bench.log,
      ),
    );
    const ratio = valueOf(figures, "Gantry") / bestPostgresPeer(figures);
    return {
      figures,
      unit: "/s",
      isMet: ratio >= 1.5 && valueOf(figures, "Gantry") >= 2000,
      verdict: `${times(ratio)} the best Postgres peer`,
      notes: ["Gantry's environment is paused and the peers have no worker: nothing executes meanwhile."],
    };
  },
};

function contender(
  bench: Bench,
  system: string,
  add: (number: number) => Promise<void>,
  after = async () => {},
): Contender {
  const { roundMs, warmUpMs } = bench.effort;
  return {
    system,
    async measure() {
      const rate = await ratePerSecond(add, { inFlight: IN_FLIGHT, durationMs: roundMs, warmUpMs });
      await after();
      return rate;
    },
  };
}
