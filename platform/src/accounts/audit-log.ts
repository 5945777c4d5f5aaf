export type ActorKind = "user" | "access" | "key" | "local" | "operator" | "anonymous";

export interface Actor {
  kind: ActorKind;
  id: string | undefined;
  /** For people, as it was then: an e-mail address, a token's name. */
  name: string | undefined;
}

/** Who did what. Holds no secret: targets are ids and names, never values. */
export interface AuditEntry {
  actor: Actor;
  /** `runs.cancel` */
  action: string;
  target: string | undefined;
  environmentId: number | undefined;
  /** `ok`, or the error's code. */
  outcome: string;
  address: string | undefined;
  requestId: string | undefined;
  details: Record<string, unknown>;
}

export interface AuditFilter {
  /** An id, or a part of the name. */
  actor?: string | undefined;
  /** The action, or its beginning where it ends with a dot. */
  action?: string | undefined;
  target?: string | undefined;
  outcome?: "ok" | "refused" | undefined;
  from?: Date | undefined;
  to?: Date | undefined;
}

export interface StoredAuditEntry extends AuditEntry {
  /** Grows with time. */
  id: string;
  at: Date;
  /** Where it still exists. */
  environment: { project: string; environment: string } | undefined;
}

export interface AuditLog {
  record(entry: AuditEntry): Promise<void>;
  /** The newest first, those before `after`; `next` where there may be more. */
  list(
    filter: AuditFilter,
    page: { size: number; after?: string | undefined },
  ): Promise<{ entries: StoredAuditEntry[]; next: string | undefined }>;
}
