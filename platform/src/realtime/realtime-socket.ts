import type { RealtimeClientEvents, RealtimeServerEvents } from "@gantry/sdk/contract";
import type { AppError } from "../errors.ts";
import type { Action, Resource } from "../http/access-policy.ts";
import type { EnvironmentRef } from "../projects/principal.ts";

/** One client's connection, as subscriptions and streams see it. Its environment never changes; what its token allows may. */
export interface RealtimeSocket {
  readonly environment: EnvironmentRef;
  /** Why its present token does not allow this to what these resources name; undefined where it does. */
  refusal(action: Action, resources: readonly Resource[]): AppError | undefined;
  /**
   * True while messages may be sent: its token is good, and the client has taken nearly all that was sent. Where it is false,
   * remember what is to be sent, not its content, and send what is true when `ready` is called.
   */
  readonly isReady: boolean;
  send<E extends keyof RealtimeServerEvents>(event: E, ...args: Parameters<RealtimeServerEvents[E]>): void;
  /** As `send`, of a message that is JSON already: the same text for many sockets is made once. */
  sendJson(event: keyof RealtimeServerEvents, json: string): void;
  /** A URL that needs no key, for a field of a run that is too large to be sent. */
  link(runId: string, field: "payload" | "output"): string;
}

/** What a feature does on one socket. Handlers may throw an AppError: it is the client's answer. */
export interface SocketFeature {
  /**
   * Requests by event, not validated yet. A rejection is answered; anything else is `{ ok: true }` when it resolves. A function
   * that it resolves to is called after the answer was sent.
   */
  readonly events: {
    [E in keyof RealtimeClientEvents]?: (request: unknown) => void | Promise<void | (() => void)>;
  };
  /** `isReady` has become true again. */
  ready(): void;
  /** The token is another now: what it does not allow any more ends (`closed`, with the refusal). */
  renewed(): void;
  /** Everything ends for this reason (`closed`): the token has expired for too long, or was revoked. */
  end(error: AppError): void;
  /** The connection is gone; nothing can be sent. */
  gone(): void;
}

/** Made for each socket after it was let in; listed in platform.ts. */
export type MakeSocketFeature = (socket: RealtimeSocket) => SocketFeature;
