const DATE_FIELDS = [
  "at",
  "cancelRequestedAt",
  "completedAt",
  "createdAt",
  "delayedUntil",
  "deployedAt",
  "disabledAt",
  "dueAt",
  "endedAt",
  "expiredAt",
  "expiresAt",
  "finishedAt",
  "firstSeenAt",
  "fromAt",
  "idempotencyKeyExpiresAt",
  "lastSeenAt",
  "lastSignInAt",
  "observedAt",
  "oldestQueuedAt",
  "openedAt",
  "overriddenAt",
  "parkedAt",
  "pausedAt",
  "seenAt",
  "startedAt",
  "timeoutAt",
  "updatedAt",
  "versionCreatedAt",
] as const;
type DateField = (typeof DATE_FIELDS)[number];

/** A reply with Dates where it has ISO strings in a field of an instant. */
export type Revived<T> = T extends readonly (infer Item)[]
  ? Revived<Item>[]
  : T extends object
    ? { [K in keyof T]: K extends DateField ? (T[K] extends infer V ? (V extends string ? Date : V) : never) : T[K] }
    : T;

/** Turns the known date fields of an object (or of each in an array) into Dates; what lies deeper is left alone. */
export function reviveDates<T>(reply: T): Revived<T> {
  if (Array.isArray(reply)) return reply.map((item) => reviveDates(item)) as Revived<T>;
  if (typeof reply !== "object" || reply === null) return reply as Revived<T>;
  const revived = { ...reply } as Record<string, unknown>;
  for (const field of DATE_FIELDS) {
    const value = revived[field];
    if (typeof value === "string") revived[field] = new Date(value);
  }
  return revived as Revived<T>;
}
