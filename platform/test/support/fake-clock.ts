import type { Clock } from "../../src/clock.ts";

/** A clock that only a test moves. */
export class FakeClock implements Clock {
  #now: number;

  constructor(now = Date.parse("2026-01-01T00:00:00Z")) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  advance(ms: number): void {
    this.#now += ms;
  }
}
