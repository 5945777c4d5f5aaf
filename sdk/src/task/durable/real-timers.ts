/** The runtime's own timers and clock, taken before user code or a watch can replace them. */
const { setImmediate, setTimeout, clearTimeout } = globalThis;
const now = performance.now.bind(performance);

const epoch = Date.now;

export const realTimers = { setImmediate, setTimeout, clearTimeout, now, epoch };
