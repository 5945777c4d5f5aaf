import fc from "fast-check";
import { expect, it } from "vitest";
import { programs, World } from "../../../test/support/durable-programs.ts";

/** What a pass saw before its process was gone, every later pass of the attempt sees first, as far as it comes. */
function divergence(passes: World["passes"]): string | undefined {
  for (const [index, { attempt, trace }] of passes.entries()) {
    const laterOnes = passes.slice(index + 1).filter((pass) => pass.attempt === attempt);
    for (const later of laterOnes) {
      const isLast = later === laterOnes.at(-1);
      const seen = isLast ? trace : trace.slice(0, later.trace.length);
      const at = seen.findIndex((event, position) => later.trace[position] !== event);
      if (at >= 0) return `event ${at} was "${trace[at]}", then "${later.trace[at]}"`;
    }
  }
  return undefined;
}

it("1,000 random programs see the same, and repeat nothing, wherever their process is lost", {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(programs, fc.integer(), fc.integer({ min: 0, max: 5 }), async (program, seed, crashes) => {
      const world = new World(program, seed, crashes);
      await world.run();
      await world.replay();
      expect({ divergence: divergence(world.passes), faults: world.faults }).toEqual({
        divergence: undefined,
        faults: [],
      });
    }),
    { numRuns: 1_000 },
  );
});
