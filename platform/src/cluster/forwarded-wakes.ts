import type { Announcements } from "../runs/announcements.ts";
import type { Bus } from "./bus.ts";

const LANES = 50;

/** Of a process that admits no runs itself: what was announced here goes to those that do. */
export function forwardWake(bus: Bus, announcements: Announcements, environmentId: number): void {
  do {
    const lanes = announcements.take(environmentId, LANES);
    bus.publish({ type: "wake", environmentId, ...(lanes.length === 0 ? {} : { lanes }) });
  } while (announcements.has(environmentId));
}

/** Of a process that admits runs: what others announced counts as its own. */
export function receiveWakes(bus: Bus, announcements: Announcements): void {
  bus.subscribe((message) => {
    if (message.type !== "wake") return;
    if (message.lanes === undefined) announcements.wake(message.environmentId);
    else announcements.announce(message.lanes);
  });
}
