import { expect, test } from "vitest";
import { checkpointLoop } from "./checkpoint-loop.ts";

test("sweeps until nothing is left, and spares what was begun in the last quarter of an hour", async () => {
  const left = [20, 20, 3];
  const asked: number[] = [];
  const sweep = async (stagedForMs: number) => {
    asked.push(stagedForMs);
    return left.shift() ?? 0;
  };
  const loop = checkpointLoop({ checkpoints: { sweep } });
  expect([await loop.tick(0), await loop.tick(0), await loop.tick(0)]).toEqual([0, 0, undefined]);
  expect(asked).toEqual([900_000, 900_000, 900_000]);
  expect(loop.leaderOnly).toBe(true);
});
