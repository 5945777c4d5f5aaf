/**
 * A hash of texts, 128 bits in hexadecimal: what a durable call is known by. Synchronous, because the order of such calls
 * is the order in which user code makes them, and without Node modules. It tells inputs apart; it keeps no secret.
 */
export function fingerprintOf(...parts: (string | undefined)[]): string {
  const lanes = Uint32Array.of(0x9e3779b9, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f);
  // A part's length goes before it, so that ["ab", "c"] and ["a", "bc"] differ.
  for (const part of parts) {
    absorb(lanes, part === undefined ? "-" : `${part.length}:`);
    absorb(lanes, part ?? "");
  }
  return finish(lanes);
}

const MULTIPLIERS = [0x01000193, 0x5bd1e995, 0xcc9e2d51 | 0, 0x1b873593] as const;

function absorb(lanes: Uint32Array, text: string): void {
  let [a, b, c, d] = lanes as unknown as [number, number, number, number];
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    a = Math.imul(a ^ unit, MULTIPLIERS[0]);
    b = Math.imul(b ^ unit, MULTIPLIERS[1]);
    c = Math.imul(c ^ unit ^ (a >>> 15), MULTIPLIERS[2]);
    d = Math.imul(d ^ unit ^ (b >>> 13), MULTIPLIERS[3]);
  }
  lanes.set([a, b, c, d]);
}

/** Every bit of a lane reaches every lane. */
function finish(lanes: Uint32Array): string {
  let carry = 0;
  for (let round = 0; round < 2; round++) {
    for (let index = 0; index < 4; index++) {
      carry = avalanche(((lanes[index] as number) + carry) | 0);
      lanes[index] = carry;
    }
  }
  return [...lanes].map((lane) => lane.toString(16).padStart(8, "0")).join("");
}

function avalanche(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x7feb352d);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b);
  return mixed ^ (mixed >>> 16);
}
