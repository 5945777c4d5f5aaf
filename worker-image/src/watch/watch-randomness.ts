import { syncBuiltinESMExports } from "node:module";
import { currentRegion } from "@gantry/sdk/task";
import type { Effects } from "./effects.ts";
import { patch } from "./patch.ts";

const CRYPTO =
  "randomBytes pseudoRandomBytes prng rng randomFill randomFillSync randomInt randomUUID generateKey generateKeySync generateKeyPair generateKeyPairSync generatePrime generatePrimeSync".split(
    " ",
  );

/** Randomness: the function would get another value the second time. What background work draws for itself does not count. */
export function watchRandomness(effects: Effects): void {
  const drawn = (call: string) => () => {
    if (currentRegion() !== undefined) effects.check("random", call);
  };
  patch(Math, "random", drawn("Math.random"));
  const crypto = process.getBuiltinModule("node:crypto");
  for (const name of CRYPTO) patch(crypto, name, drawn(`crypto.${name}`));
  for (const name of ["getRandomValues", "randomUUID"]) patch(Crypto.prototype, name, drawn(`crypto.${name}`));
  patch(SubtleCrypto.prototype, "generateKey", drawn("crypto.subtle.generateKey"));
  syncBuiltinESMExports();
}
