import { inOwnRegion } from "./region.ts";

/** The time for the SDK's own purposes: no reading of the task's, which its journal would keep. */
export function ownNow(): number {
  return inOwnRegion(Date.now);
}
