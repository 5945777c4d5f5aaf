import { expect, test, vi } from "vitest";
import { patch } from "./patch.ts";

test("hears of each call before it is made, and of what it returns", () => {
  const owner = { add: (a: number, b: number) => a + b };
  const heard: unknown[] = [];
  patch(owner, "add", (self, args) => {
    heard.push(self === owner, [...args]);
    return (result) => void heard.push(result);
  });
  expect(owner.add(1, 2)).toBe(3);
  expect(heard).toEqual([true, [1, 2], 3]);
});

test("keeps the function's name, length, properties and attributes, and what it throws", () => {
  const owner = {};
  const original = Object.assign(
    function named(why: string) {
      throw new TypeError(why);
    },
    { extra: 1 },
  );
  Object.defineProperty(owner, "named", { value: original, writable: true, enumerable: false, configurable: true });
  const before = Object.getOwnPropertyDescriptor(owner, "named");
  patch(owner, "named", () => undefined);
  const after = Object.getOwnPropertyDescriptor(owner, "named");
  expect({ ...after, value: undefined }).toEqual({ ...before, value: undefined });
  const { name, length, extra } = (after ?? {}).value as typeof original;
  expect({ name, length, extra }).toEqual({ name: "named", length: 1, extra: 1 });
  expect(() => (owner as { named(): void }).named()).toThrow(TypeError);
});

test("leaves alone what is no function or cannot be replaced", () => {
  const fixed = Object.freeze({ run: vi.fn() });
  const { run } = fixed;
  patch(fixed, "run", () => undefined);
  patch({ a: 1 }, "a", () => undefined);
  patch({}, "missing", () => undefined);
  expect(fixed.run).toBe(run);
});
