import type { Region } from "@gantry/sdk/task";
import type { Effects } from "./effects.ts";
import type { Surroundings } from "./surroundings.ts";
import { captureStack } from "./user-frame.ts";

const SOCKETS = new Set(["TCPWRAP", "PIPEWRAP", "TLSWRAP", "UDPWRAP"]);

/**
 * Where the task asks for `strict`: every socket has to be opened and closed inside one step. That leaves no shared client
 * that could serve code outside of steps unseen.
 */
export class StrictSockets {
  readonly #around: Surroundings;
  readonly #effects: Effects;
  readonly #open = new Map<number, { region: Region; stack: string }>();
  readonly #owners = new WeakMap<object, Region>();

  constructor(around: Surroundings, effects: Effects) {
    this.#around = around;
    this.#effects = effects;
  }

  forget(): void {
    this.#open.clear();
  }

  created(id: number, type: string, handle: object): void {
    if (!this.#around.isStrict || !SOCKETS.has(type)) return;
    const region = this.#around.region();
    if (region?.kind === "runner") return;
    if (region?.kind !== "step" || !region.isOpen) return this.#effects.add("socket");
    this.#open.set(id, { region, stack: captureStack() });
    this.#owners.set(handle, region);
  }

  destroyed(id: number): void {
    this.#open.delete(id);
  }

  /** Bytes go out through the handle. */
  used(handle: object): void {
    if (!this.#around.isStrict || !this.#around.isActive) return;
    const region = this.#around.region();
    if (region?.kind === "runner") return;
    const owner = this.#owners.get(handle);
    if (owner === undefined || owner !== region) this.#effects.add("socket");
  }

  /** Those that outlived their step count too. */
  look(): void {
    for (const { region, stack } of this.#open.values())
      if (region.kind !== "step" || !region.isOpen) return this.#effects.add("socket", undefined, stack);
  }
}
