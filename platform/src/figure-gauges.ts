import { Gauge, type Registry } from "prom-client";

/** Every replica is asked, often twice: one look serves all that ask within this time. */
const FRESH_MS = 10_000;

/** Makes gauges that share a look at the database. A figure that cannot be had is left out of the answer. */
export function figureGauges<Figures>(registry: Registry, look: () => Promise<Figures | undefined>, now: () => number) {
  let looked: { at: number; figures: Promise<Figures | undefined> } | undefined;
  const figures = () => {
    if (looked === undefined || now() - looked.at >= FRESH_MS)
      looked = { at: now(), figures: look().catch(() => undefined) };
    return looked.figures;
  };
  return (name: string, help: string, value: (read: Figures) => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const read = await figures();
        if (read === undefined) this.remove();
        else this.set(value(read));
      },
    });
}
