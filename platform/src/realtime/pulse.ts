/** Time as realtime needs it: to tell how long ago something was, and to do something later. Tests turn a hand of their own. */
export interface Pulse {
  /** Milliseconds since some moment; never goes back. */
  now(): number;
  /** Returns what calls it off. */
  after(ms: number, act: () => void): () => void;
}

export const systemPulse: Pulse = {
  now: () => performance.now(),
  after(ms, act) {
    const timer = setTimeout(act, Math.max(0, ms)).unref();
    return () => clearTimeout(timer);
  },
};
