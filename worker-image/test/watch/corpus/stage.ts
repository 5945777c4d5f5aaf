import type { EffectKind } from "../../../src/watch/effects.ts";

/** What a case may use, as a task would: steps, waits, and servers to talk to. */
export interface Stage {
  step<T>(name: string, fn: () => Promise<T> | T, options?: { files?: "disposable" }): Promise<T>;
  repeatable<T>(fn: () => T): T;
  /** A wait that the platform ends after a moment, and not before that is so. */
  wait(until?: () => boolean): Promise<void>;
  /** Plain sleeping: a timer of the caller's. */
  sleep(ms: number): Promise<void>;
  servers: Servers;
  /** An empty folder of the case's own. */
  folder: string;
}

export interface Servers {
  http: string;
  https: string;
  http2: string;
  tcpPort: number;
  udpPort: number;
  smtpPort: number;
  grpcPort: number;
  ws: string;
  postgres: string;
  redis: string;
}

export interface Case<Ready = unknown> {
  /** `unsafe`: of whatever kind. */
  want: "safe" | "unsafe" | EffectKind;
  /** Known to come out otherwise: `missed`: an effect that is not seen; `held`: safe, but held without need. Why. */
  but?: { missed: string } | { held: string };
  /** What the effect's `call` says. */
  call?: string;
  /** Nothing tells where it came from. */
  hasNoLine?: boolean;
  /** At its end something could still resume it. */
  isBusy?: boolean;
  isStrict?: boolean;
  /** Module code: runs before the function begins, in no region. */
  load?(stage: Stage): Ready | Promise<Ready>;
  run(stage: Stage, ready: Ready): unknown;
}

/** Keeps what `load` returns as the type of what `run` gets. */
export function scene<Ready>(scene: Case<Ready>): Case {
  return scene as Case;
}

export interface Seen {
  unsafe: { what: string; line?: string; call?: string }[];
  isBusy: boolean;
  error?: string;
}
