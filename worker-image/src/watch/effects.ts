import type { UnsafeEffect } from "@gantry/sdk/contract";
import type { Surroundings } from "./surroundings.ts";
import { captureStack, findUserFrame } from "./user-frame.ts";

/** What can be seen, each told once; the text is for people. */
export const EFFECTS = {
  bytes: "bytes sent",
  child: "a child process",
  worker: "a worker thread",
  addon: "a native add-on",
  file: "a file written",
  stepFile: 'a file written in a step that does not say files: "disposable"',
  random: "randomness read",
  signal: "a signal sent to a process",
  queued: "work done for code outside of steps by a client that a step uses",
  beside: "a timer or I/O outside of steps while a step or a wait is open",
  socket: "a socket that was not opened and closed inside one step",
} as const;
export type EffectKind = keyof typeof EFFECTS;

/** What an attempt did outside of steps: the first of each kind, with the line it came from. */
export class Effects {
  readonly #around: Surroundings;
  onAdded: (() => void) | undefined;
  readonly #seen = new Map<EffectKind, UnsafeEffect>();
  /** Those whose line is still unknown: the next continuation of user code tells it. */
  #lineless: UnsafeEffect[] = [];

  constructor(around: Surroundings) {
    this.#around = around;
  }

  list(): UnsafeEffect[] {
    return [...this.#seen.values()];
  }

  forget(): void {
    this.#seen.clear();
    this.#lineless = [];
  }

  /** Whether what happens now is the first of its kind outside of steps. */
  happens(kind: EffectKind): boolean {
    const around = this.#around;
    if (!around.isActive) return false;
    const region = around.region();
    if (region?.kind === "runner") return false;
    around.activity++;
    return !this.#seen.has(kind) && around.isOutside(region);
  }

  /** Something happens now; it counts where the code that runs is outside of steps. `call`: where no better is found. */
  check(kind: EffectKind, call?: string): void {
    if (this.happens(kind)) this.add(kind, call);
  }

  /** It counts. `stack`: where it came from, if not from here. */
  add(kind: EffectKind, call?: string, stack?: string, detail?: string): void {
    if (this.#seen.has(kind)) return;
    const effect: UnsafeEffect = { what: detail ? `${EFFECTS[kind]} (${detail})` : EFFECTS[kind] };
    this.#seen.set(kind, effect);
    this.#place(effect, stack ?? captureStack(), call);
    if (effect.line === undefined) this.#lineless.push(effect);
    if (effect.call === undefined && call !== undefined) effect.call = call;
    this.onAdded?.();
  }

  get wantsLine(): boolean {
    return this.#lineless.length > 0;
  }

  /** User code goes on: the function that awaited what was done is the next best answer to where. */
  continued(): void {
    const stack = captureStack();
    for (const effect of this.#lineless) this.#place(effect, stack);
    this.#lineless = this.#lineless.filter(({ line }) => line === undefined);
  }

  #place(effect: UnsafeEffect, stack: string, call?: string): void {
    const frame = findUserFrame(stack);
    if (!frame) return;
    effect.line = frame.line;
    const name = frame.call ?? call;
    if (name !== undefined) effect.call = name;
  }
}
