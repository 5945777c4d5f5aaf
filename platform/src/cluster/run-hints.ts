import type { Clock } from "../clock.ts";
import type { RunChanges } from "../runs/run-changes.ts";
import type { Bus } from "./bus.ts";
import { watchingMessages } from "./bus-envelope.ts";

/** So long another replica's wish is good; it repeats it thrice meanwhile (loops/watching-loop.ts). */
const WISH_MS = 16_000;

/**
 * RunChanges over the bus. A replica says what its sockets watch, at once and again and again; the others then tell it of runs
 * that change there. Where nobody watches, a commit costs one look into a map.
 */
export class RunHints implements RunChanges {
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #listeners: ((environmentId: number, runIds: readonly string[]) => void)[] = [];
  readonly #onLost: (() => void)[] = [];
  /** Watches here, by environment. */
  readonly #watches = new Map<number, number>();
  /** Until when other replicas want to hear of an environment. */
  readonly #wishes = new Map<number, number>();

  constructor({ bus, clock }: { bus: Bus; clock: Clock }) {
    this.#bus = bus;
    this.#clock = clock;
    bus.subscribe((message) => {
      if (message.type === "watching") return this.#wish(message.environmentIds);
      if (message.type === "touched" && this.#watches.has(message.environmentId))
        this.#tellHere(message.environmentId, message.runIds);
    });
    bus.onBack(() => {
      this.repeat();
      for (const listener of this.#onLost) listener();
    });
  }

  isWatched(environmentId: number): boolean {
    return this.#watches.has(environmentId) || this.#isWished(environmentId);
  }

  touched(environmentId: number, runIds: readonly string[]): void {
    if (runIds.length === 0) return;
    if (this.#watches.has(environmentId)) this.#tellHere(environmentId, runIds);
    if (this.#isWished(environmentId)) this.#bus.publish({ type: "touched", environmentId, runIds: [...runIds] });
  }

  watch(environmentId: number): () => void {
    const count = this.#watches.get(environmentId) ?? 0;
    this.#watches.set(environmentId, count + 1);
    if (count === 0) this.#bus.publish({ type: "watching", environmentIds: [environmentId] });
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      const left = (this.#watches.get(environmentId) ?? 1) - 1;
      if (left === 0) this.#watches.delete(environmentId);
      else this.#watches.set(environmentId, left);
    };
  }

  onTouched(listener: (environmentId: number, runIds: readonly string[]) => void): void {
    this.#listeners.push(listener);
  }

  onLost(listener: () => void): void {
    this.#onLost.push(listener);
  }

  /** Says again what is watched here: wishes of others have ended, or were not heard. */
  repeat(): void {
    for (const message of watchingMessages([...this.#watches.keys()])) this.#bus.publish(message);
  }

  #wish(environmentIds: readonly number[]): void {
    const until = this.#clock.now() + WISH_MS;
    for (const environmentId of environmentIds) this.#wishes.set(environmentId, until);
  }

  #isWished(environmentId: number): boolean {
    const until = this.#wishes.get(environmentId);
    if (until === undefined) return false;
    if (until > this.#clock.now()) return true;
    this.#wishes.delete(environmentId);
    return false;
  }

  #tellHere(environmentId: number, runIds: readonly string[]): void {
    for (const listener of this.#listeners) listener(environmentId, runIds);
  }
}
