import type { Bus, BusMessage } from "../../cluster/bus.ts";

/** Replicas of one process: of one platform alone it tells nobody, and that is right. */
export class MemoryBusHub {
  readonly #members = new Map<Bus, ((message: BusMessage) => void)[]>();

  join(): Bus {
    const bus: Bus = {
      name: "memory",
      publish: (message) => queueMicrotask(() => this.#deliver(bus, message)),
      subscribe: (listener) => void this.#members.get(bus)?.push(listener),
      onBack: () => undefined,
      close: async () => void this.#members.delete(bus),
    };
    this.#members.set(bus, []);
    return bus;
  }

  #deliver(from: Bus, message: BusMessage): void {
    if (!this.#members.has(from)) return;
    for (const [bus, listeners] of this.#members)
      if (bus !== from) for (const listener of listeners) listener(structuredClone(message));
  }
}
