import type { Build as BuildReply, BuildLine as LineReply } from "@gantry/sdk/contract";

/** An image that is or was built. */
export interface Build {
  /** UUID. */
  id: string;
  status: BuildReply["status"];
  contentHash: string;
  taskCount: number;
  version: string | undefined;
  isNew: boolean | undefined;
  error: { code: string; message: string } | undefined;
  startedAt: Date;
  endedAt: Date | undefined;
}

export interface BuildLine {
  step: LineReply["step"];
  message: string;
  at: Date;
}

export type BuildOutcome =
  | { status: "DEPLOYED"; version: string; isNew: boolean }
  | { status: "FAILED" | "CANCELED"; error: { code: string; message: string } };

/** What builds said, for those who did not start them. Errors: STORE_UNAVAILABLE (retryable). */
export interface BuildStore {
  /** Begins one, and forgets all but the environment's latest 50. */
  begin(environmentId: number, build: { id: string; contentHash: string; taskCount: number }): Promise<void>;
  /** Adds lines behind those there are, `from` being the first one's index; none at all still says that it is alive. */
  append(id: string, from: number, lines: readonly BuildLine[]): Promise<void>;
  end(id: string, outcome: BuildOutcome): Promise<void>;
  /** Newest first. One that was not heard of for a minute is FAILED as BUILD_CUT_OFF. */
  list(environmentId: number, query: { version?: string | undefined; limit: number }): Promise<Build[]>;
  retrieve(environmentId: number, id: string): Promise<Build | undefined>;
  /** In order, from an index. */
  lines(id: string, from: number, limit: number): Promise<(BuildLine & { index: number })[]>;
}
