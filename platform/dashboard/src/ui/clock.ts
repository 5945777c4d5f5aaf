import { useSyncExternalStore } from "react";

/**
 * One timer for everything that shows an age: it ticks once a second while somebody listens and the page is visible. What
 * shows an age subscribes by itself, so that a tick renders these few words and not the lists around them.
 */
const listeners = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

function tick(): void {
  if (document.hidden) return;
  now = Date.now();
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(tick, 1_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** `read` of the time by the second; renders again only where its result differs. */
export function useClock<T extends string | number>(read: (now: number) => T): T {
  return useSyncExternalStore(subscribe, () => read(Math.max(now, Date.now() - 1_000)));
}
