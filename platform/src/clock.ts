/** The time, as a port: tests pass a fake one. Durations and instants are milliseconds; the database's clock decides leases. */
export interface Clock {
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };
