import { promiseHooks } from "node:v8";
import { currentRegion } from "@gantry/sdk/task";
import type { Effects } from "./effects.ts";
import type { Surroundings } from "./surroundings.ts";
import { captureStack } from "./user-frame.ts";

/** Of this hook, down to where the stack is taken: `settled`, `#settled`, `isByClient`, `captureStack`, `markPlace`. */
const OWN_FRAMES = 5;

/** Returned by a constructor, an object gets the fields of the class that extends it: a mark that nobody else can see. */
const Marked = function (promise: object) {
  return promise;
} as unknown as new (
  promise: object,
) => object;

class OfFunction extends Marked {
  #isMarked = true;
  static is(promise: object): boolean {
    return #isMarked in promise && promise.#isMarked;
  }
}

class OfBackground extends Marked {
  #isMarked = true;
  static is(promise: object): boolean {
    return #isMarked in promise && promise.#isMarked;
  }
}

/**
 * Sees work that a shared client does for code outside of steps while a step uses it: the query waits in the client's queue
 * and is sent from the step's context, but its promise was made outside and is settled inside.
 *
 * A promise that derives from another (`then`, the one an `await` makes) is settled where its reaction was made: only
 * roots are looked at. 60 ns for each.
 */
export class CrossSettled {
  readonly #around: Surroundings;
  readonly #effects: Effects;
  #stop: (() => void) | undefined;

  constructor(around: Surroundings, effects: Effects) {
    this.#around = around;
    this.#effects = effects;
  }

  begin(): void {
    this.#stop ??= promiseHooks.createHook({
      init: (promise: object, parent: object | undefined) => this.#made(promise, parent),
      settled: (promise: object) => this.#settled(promise),
      // The types ask for all four hooks; each that is there costs.
    } as unknown as Parameters<typeof promiseHooks.createHook>[0]) as unknown as () => void;
  }

  end(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  #made(promise: object, parent: object | undefined): void {
    if (parent !== undefined) return;
    const region = this.#around.region();
    if (region === undefined) return void new OfBackground(promise);
    switch (region.kind) {
      case "runner":
      case "repeatable":
        return;
      case "function":
        this.#around.activity++;
        if (this.#effects.wantsLine) this.#effects.continued();
        return void new OfFunction(promise);
      case "step":
        this.#around.activity++;
        if (!region.isOpen) new OfFunction(promise);
    }
  }

  #settled(promise: object): void {
    const region = currentRegion();
    if (region?.kind === "runner") return;
    this.#around.activity++;
    if (region?.kind === "function") {
      if (this.#effects.wantsLine) this.#effects.continued();
      return;
    }
    const isServed = OfFunction.is(promise) || (region?.kind === "step" && region.isOpen && OfBackground.is(promise));
    if (isServed && isByClient()) this.#effects.add("queued");
  }
}

/**
 * Whether code of a package or of the user's settles it. V8 itself settles some, such as a compiled WebAssembly, with nothing on
 * the stack but this; and what Node's own modules do among themselves is seen where they send.
 */
function isByClient(): boolean {
  const frames = captureStack(OWN_FRAMES + 3)
    .split("\n")
    .slice(1)
    .filter((frame) => !/ at async |promise_hooks/.test(frame));
  return frames.slice(OWN_FRAMES).some((frame) => !/[( ]node:/.test(frame));
}
