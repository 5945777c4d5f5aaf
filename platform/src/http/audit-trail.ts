import type { Request, Response } from "express";
import { auditAction } from "../accounts/audit-action-ref.ts";
import type { Actor } from "../accounts/audit-log.ts";
import type { Identity } from "./authenticate.ts";
import type { Edge } from "./edge.ts";
import { toAppError } from "./error-reply.ts";
import type { Route } from "./route.ts";

/** What is known of a request by the time it has been answered. */
export interface Seen {
  identity?: Identity | undefined;
  body?: unknown;
  answer?: unknown;
  /** Said by the handler, where the request itself does not tell. */
  actor?: Actor | undefined;
  target?: string | undefined;
  environmentId?: number | undefined;
  details?: Record<string, unknown> | undefined;
  /** Where the handler itself told the user of an error. */
  outcome?: string | undefined;
}

/** What a handler adds to the entry of its request. Never a secret. */
export function noteForAudit(
  res: Response,
  note: Pick<Seen, "actor" | "target" | "details" | "environmentId" | "outcome">,
): void {
  Object.assign(seenOf(res), note);
}

export function seenOf(res: Response): Seen {
  res.locals.seen ??= {} satisfies Seen;
  return res.locals.seen as Seen;
}

/** Does the work and writes who asked for what, and how it ended, before the answer is sent. A log that cannot be written does not undo what was done. */
export async function recorded<T>(
  edge: Edge,
  definition: Route,
  request: { req: Request; res: Response },
  work: () => Promise<T>,
): Promise<T> {
  if (!isRecorded(definition)) return work();
  let outcome = "ok";
  try {
    return await work();
  } catch (error) {
    outcome = toAppError(error, "").code;
    throw error;
  } finally {
    await write(edge, definition, request, outcome);
  }
}

/** Everything that changes something, unless its route says otherwise. */
export function isRecorded({ method, access, audit }: Pick<Route, "method" | "access" | "audit">): boolean {
  const isRead = method === "get" || ("action" in access && access.action === "read");
  return audit ?? !isRead;
}

async function write(edge: Edge, definition: Route, { req, res }: { req: Request; res: Response }, outcome: string) {
  const seen = seenOf(res);
  const actor = seen.actor ?? actorOfIdentity(seen.identity, definition);
  if (actor === undefined) return;
  const requestId = String(res.locals.requestId ?? "");
  await edge.deps.accounts.audit
    .record({
      actor,
      action: auditAction(definition.method, definition.path),
      target: seen.target ?? targetOf(req, seen),
      environmentId: seen.environmentId ?? seen.identity?.environment?.id,
      outcome: seen.outcome ?? outcome,
      address: edge.browser.origin(req).address,
      requestId,
      details: seen.details ?? {},
    })
    .catch((error: unknown) => edge.deps.logger.error({ err: error, requestId }, "the audit log could not be written"));
}

/** People and their tokens always; keys where they do what only admins may; runs and public tokens never. */
function actorOfIdentity(identity: Identity | undefined, { access }: Route): Actor | undefined {
  if (identity === undefined) return undefined;
  const { principal } = identity;
  switch (principal.kind) {
    case "user":
      return principal.sessionId === undefined
        ? { kind: "local", id: undefined, name: undefined }
        : { kind: "user", id: principal.userId, name: principal.email };
    case "access":
      return { kind: "access", id: principal.tokenId, name: principal.owner?.email };
    case "key": {
      const isAdmins = "action" in access && access.action === "admin";
      return isAdmins ? { kind: "key", id: principal.keyId, name: undefined } : undefined;
    }
    case "run":
    case "public":
      return undefined;
  }
}

/** Ids and names of the path, then what was made or named: never a value. */
function targetOf(req: Request, { answer, body }: Seen): string | undefined {
  const params = Object.entries(req.params as Record<string, string | string[]>)
    .filter(([name]) => name !== "hash")
    .map(([, value]) => String(value));
  const made = textOf(answer, "id") ?? textOf(body, "name");
  const parts = made === undefined || params.includes(made) ? params : [...params, made];
  return parts.length === 0 ? undefined : parts.join(" ");
}

function textOf(value: unknown, name: string): string | undefined {
  const field = typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  return typeof field === "string" ? field : undefined;
}
