import type { Leadership } from "../../cluster/leadership.ts";

/** Of the only platform of a database that it keeps itself. */
export const soleLeader: Leadership = { isLeader: true, onChange: () => undefined, close: async () => undefined };

/** Of a process that leaves what only one should do to others. */
export const neverLeader: Leadership = { isLeader: false, onChange: () => undefined, close: async () => undefined };
