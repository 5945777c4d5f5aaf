const FACTORS: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** `375m` → 0.375, `500M` → 500,000,000; undefined where it is no quantity of Kubernetes. */
export function parseQuantity(text: string): number | undefined {
  const match = /^([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([a-zA-Z]*)$/.exec(text);
  const factor = FACTORS[match?.[2] ?? "?"];
  const value = Number(match?.[1]);
  return factor === undefined || Number.isNaN(value) ? undefined : value * factor;
}

/** Every quantity that can be read; what cannot is left out. */
export function parseQuantities(quantities: Record<string, string> = {}): Record<string, number> {
  const parsed = Object.entries(quantities).map(([name, text]) => [name, parseQuantity(text)] as const);
  return Object.fromEntries(parsed.filter((entry): entry is [string, number] => entry[1] !== undefined));
}
