import type { Gantry } from "../gantry/gantry.ts";
import { Countdown } from "../measure.ts";
import { type Peer, samplePayload } from "../peers/peer.ts";
import { bestPostgresPeer, inTurn, times, valueOf } from "../rounds.ts";
import type { Row } from "../row.ts";

/** Runs at once, as in an environment that is not `dev`: admissions and completions share statements. */
const CONCURRENCY = 100;

/** From the first batch sent to the last job done, with workers running all the while. */
export const throughputWarm: Row = {
  id: "warm",
  what: "no-op runs/s end to end, processes kept alive",
  goal: "≥ 2,000",
  async measure(bench) {
    const jobs = Math.round(10_000 * bench.effort.scale);
    const peers = await bench.peers();
    const figures = await bench.withGantry({ processKeepAlive: true, concurrency: CONCURRENCY }, async (gantry) => {
      await gantryRate(gantry, Math.round(jobs / 10));
      return inTurn(
        bench.effort,
        [
          {
            system: "Gantry",
            note: "each run in a task process, behind a runner; history kept",
            measure: () => gantryRate(gantry, jobs),
          },
          ...peers.map((peer) => ({ system: peer.name, note: peer.note, measure: () => peerRate(peer, jobs) })),
        ],
        bench.log,
      );
    });
    const rate = valueOf(figures, "Gantry");
    return {
      figures,
      unit: "/s",
      isMet: rate >= 2000,
      verdict: `${times(rate / bestPostgresPeer(figures))} the best Postgres peer, whose handlers run in the fetching process`,
      notes: [
        `${jobs} jobs a round, added in batches of 1000; at most ${CONCURRENCY} at once, the default outside dev.`,
      ],
    };
  },
};

export async function gantryRate(gantry: Gantry, jobs: number): Promise<number> {
  const start = Date.now();
  for (const payloads of batches(jobs)) await gantry.triggerBatch(payloads);
  return (jobs / ((await gantry.endOfRuns(start, jobs)) - start)) * 1000;
}

async function peerRate(peer: Peer, jobs: number): Promise<number> {
  const countdown = new Countdown(jobs);
  const worker = await peer.work(countdown.tick);
  const start = performance.now();
  for (const payloads of batches(jobs)) await peer.addMany(payloads);
  await countdown.done;
  await worker.stop();
  await peer.clear();
  return (jobs / (countdown.endedAt - start)) * 1000;
}

function* batches(jobs: number) {
  for (let from = 0; from < jobs; from += 1000) {
    yield Array.from({ length: Math.min(1000, jobs - from) }, (_, index) => samplePayload(from + index));
  }
}
