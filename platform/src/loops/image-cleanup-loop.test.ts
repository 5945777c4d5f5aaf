import { expect, test } from "vitest";
import { AppError } from "../errors.ts";
import { imageCleanupLoop } from "./image-cleanup-loop.ts";

const environments = [1, 2, 3].map((id) => ({ id }));

function loop(prune: (id: number) => Promise<{ versions: string[] }>) {
  const projects = { environments: async () => environments } as never;
  return imageCleanupLoop({ deploys: { prune: ({ id }) => prune(id) }, projects });
}

test("one environment that fails keeps none of the others from being cleaned up", async () => {
  const seen: number[] = [];
  const tick = loop(async (id) => {
    seen.push(id);
    if (id === 1) throw new Error("the registry is away");
    return { versions: [] };
  }).tick(0);
  await expect(tick).rejects.toThrow("could not be removed");
  expect(seen).toEqual([1, 2, 3]);
});

test("one that is deployed to just now is left for the next time", async () => {
  await loop(async () => {
    throw new AppError("DEPLOY_IN_PROGRESS", "A deploy goes on.");
  }).tick(0);
});
