import type { Bindings } from "./bindings.ts";
import type { Effects } from "./effects.ts";
import { isKnownAddon, NATIVE_ADDONS } from "./native-addons.ts";
import { patch } from "./patch.ts";
import type { Surroundings } from "./surroundings.ts";

/** What an async resource of the type is, when one is made. */
const MADE = new Map([
  ["PROCESSWRAP", "child"],
  ["WORKER", "worker"],
] as const);

/** Other processes, threads, and native code that nothing here can see into. */
export class ProcessWatch {
  readonly #effects: Effects;
  readonly #around: Surroundings;
  /** Loaded with the bundle, before any function: they work unseen all the same. */
  readonly #loaded = new Set<string>();

  constructor(around: Surroundings, effects: Effects, { spawnSync }: Bindings, addons = NATIVE_ADDONS) {
    this.#around = around;
    this.#effects = effects;
    patch(spawnSync, "spawn", () => effects.check("child"));
    patch(process, "kill", (_, [, signal]) => {
      if (signal !== 0) effects.check("signal", "process.kill");
    });
    patch(process, "dlopen", (_, [, path]) => {
      if (typeof path === "string" && !isKnownAddon(path, addons)) this.#opened(path);
    });
  }

  begin(): void {
    for (const name of this.#loaded) this.#effects.add("addon", undefined, "", name);
  }

  created(type: string): void {
    const kind = MADE.get(type as "WORKER");
    if (kind !== undefined) this.#effects.check(kind);
  }

  #opened(path: string): void {
    const name = path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
    if (!this.#around.isActive) this.#loaded.add(name);
    else if (this.#effects.happens("addon")) this.#effects.add("addon", undefined, undefined, name);
  }
}
