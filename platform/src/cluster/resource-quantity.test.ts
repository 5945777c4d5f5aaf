import { expect, test } from "vitest";
import { parseQuantities, parseQuantity } from "./resource-quantity.ts";

test("quantities are read as Kubernetes writes them", () => {
  const read = ["375m", "2", "500M", "1Gi", "16395292Ki", "1e3", "0.5", "129e6"].map(parseQuantity);
  expect(read).toEqual([0.375, 2, 5e8, 2 ** 30, 16_395_292 * 1024, 1000, 0.5, 129e6]);
});

test("what is no quantity is left out", () => {
  expect(parseQuantities({ cpu: "2", memory: "much", "nvidia.com/gpu": "1" })).toEqual({ cpu: 2, "nvidia.com/gpu": 1 });
});
