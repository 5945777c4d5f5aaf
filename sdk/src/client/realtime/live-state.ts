import type { ApiError } from "../api-error.ts";

/** `connecting`: nothing new arrives; what is shown is as of before. `live`: changes are pushed. `polling`: asked for, seconds late. */
export type ConnectionState = "connecting" | "live" | "polling" | "closed";

/** Why a connection is as it is. */
export const CONNECTION_REASONS = {
  /** Nothing was asked for yet, or the first socket is being opened. */
  STARTING: "STARTING",
  /** The socket is open. */
  SOCKET_OPEN: "SOCKET_OPEN",
  /** The socket broke and is being opened again. */
  SOCKET_LOST: "SOCKET_LOST",
  /** No socket comes up (a proxy blocks it, perhaps): the REST API is asked meanwhile. */
  SOCKET_UNAVAILABLE: "SOCKET_UNAVAILABLE",
  /** Neither a socket nor the REST API answers. */
  UNREACHABLE: "UNREACHABLE",
  /** The token has expired, a new one is awaited. */
  TOKEN_EXPIRED: "TOKEN_EXPIRED",
  /** What was watched has ended: nothing more can come. */
  ENDED: "ENDED",
  /** `stop()` was called. */
  STOPPED: "STOPPED",
  /** The platform refused: `error` says why. */
  REFUSED: "REFUSED",
} as const;
export type ConnectionReason = (typeof CONNECTION_REASONS)[keyof typeof CONNECTION_REASONS];

/** What every observer's snapshot says of its connection. */
export interface LiveStatus {
  connection: ConnectionState;
  connectionReason: ConnectionReason;
  /** Set once, with `connection: "closed"`: nothing more will come. */
  error: ApiError | Error | undefined;
}
