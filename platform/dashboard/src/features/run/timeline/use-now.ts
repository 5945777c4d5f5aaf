import { useEffect, useState } from "react";

/** The time, again and again while it matters and somebody looks. */
export function useNow(isTicking: boolean, everyMs = 250): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!isTicking) return undefined;
    const tick = () => document.hidden || setNow(Date.now());
    tick();
    const timer = setInterval(tick, everyMs);
    return () => clearInterval(timer);
  }, [isTicking, everyMs]);
  return now;
}
