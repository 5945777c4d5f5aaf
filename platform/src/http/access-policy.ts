import type { Role } from "@gantry/sdk/contract";
import { isTokenScope, type KeyScope, type Principal } from "../projects/principal.ts";

/**
 * What a credential may do. Pure: a request names an action on a resource, the answer is yes or a reason.
 *
 * `read` looks, `write` changes what is there (cancel, replay, tags, a queue's limit), `trigger` makes runs, `deploy`
 * registers and promotes versions, `import` sets an environment's variables without reading them, `admin` handles keys,
 * limits and a run's forced end.
 */
export type Action = "read" | "write" | "trigger" | "batchTrigger" | "deploy" | "import" | "admin";

/** A thing by its kind and, where the action is about one, its id. */
export interface Resource {
  kind:
    | "runs"
    | "batch"
    | "tags"
    | "tasks"
    | "queues"
    | "schedules"
    | "deployments"
    | "packets"
    | "tokens"
    | "keys"
    | "variables"
    | "waitpoints"
    /** Messages to a run; by the run's id. */
    | "inputStreams"
    | "environment"
    /** Figures, error groups, bulk actions, the cluster: what an operator looks at. Never for public tokens. */
    | "insights"
    /** Of the whole installation, as is `audit`. */
    | "members"
    | "audit";
  id?: string;
}

type Refusal = "KEY_SCOPE" | "TOKEN_SCOPE" | "ROLE";
/** KEY_SCOPE: keys of this scope never do this. TOKEN_SCOPE: the token says otherwise. ROLE: the user's role does not. */
export type AccessDecision = { allow: true } | { allow: false; reason: Refusal; message: string };

const KEY_ACTIONS: Record<KeyScope, readonly Action[]> = {
  full: ["read", "write", "trigger", "batchTrigger", "deploy", "import", "admin"],
  trigger: ["trigger", "batchTrigger"],
  read: ["read"],
  deploy: ["deploy", "import"],
};
const ROLE_ACTIONS: Record<Role, readonly Action[]> = {
  viewer: ["read"],
  developer: ["read", "write", "trigger", "batchTrigger", "deploy", "import"],
  admin: ["read", "write", "trigger", "batchTrigger", "deploy", "import", "admin"],
};
const RUN_ACTIONS: readonly Action[] = ["read", "write", "trigger", "batchTrigger", "import"];
const ALLOWED: AccessDecision = { allow: true };

/**
 * `resources` are the ways to name the same thing: a run may be read by its id, one of its tags, its batch or its task,
 * and one match is enough. The first is the one the message names.
 */
export function decideAccess(principal: Principal, action: Action, resources: readonly Resource[]): AccessDecision {
  if (isOfInstallation(resources) && principal.kind !== "user" && principal.kind !== "access")
    return refuse("KEY_SCOPE", "A credential of one environment may not see or change who may use the platform.");
  switch (principal.kind) {
    case "key":
      return decideKey(principal.scope, action, resources);
    case "run":
      return RUN_ACTIONS.includes(action) ? ALLOWED : refuse("TOKEN_SCOPE", `A run may not ${action} here.`);
    case "access":
      return decideAccessToken(principal, action, resources);
    case "user":
      return decideRole(principal.role, action);
    case "public":
      return grants(principal.scopes, action, resources)
        ? ALLOWED
        : refuse("TOKEN_SCOPE", `The token's scopes do not allow ${scopeName(action, resources[0])}.`);
  }
}

/** Whether a principal may hand out a public token with this scope: never more than it has itself. */
export function mayGrantScope(principal: Principal, scope: string): boolean {
  const [action, kind, ...id] = scope.split(":");
  if (!isPublicAction(action) || principal.kind === "public") return false;
  const resource = {
    kind: (kind ?? "environment") as Resource["kind"],
    ...(id.length > 0 ? { id: id.join(":") } : {}),
  };
  return decideAccess(principal, action === "admin" ? "admin" : action, [resource]).allow;
}

function isPublicAction(action: string | undefined): action is "read" | "write" | "trigger" | "batchTrigger" | "admin" {
  return (
    action === "read" || action === "write" || action === "trigger" || action === "batchTrigger" || action === "admin"
  );
}

function decideKey(scope: KeyScope, action: Action, resources: readonly Resource[]): AccessDecision {
  if (KEY_ACTIONS[scope].includes(action)) return ALLOWED;
  if (scope === "deploy" && action === "read" && resources.some(({ kind }) => kind === "deployments")) return ALLOWED;
  return refuse("KEY_SCOPE", `This key is of scope "${scope}" and may not ${action}.`);
}

/** Members and the audit log belong to no environment. */
function isOfInstallation(resources: readonly Resource[]): boolean {
  return resources.some(({ kind }) => kind === "members" || kind === "audit");
}

function decideRole(role: Role, action: Action): AccessDecision {
  return ROLE_ACTIONS[role].includes(action) ? ALLOWED : refuse("ROLE", `The role "${role}" may not ${action}.`);
}

/** A token without scopes is its owner's own: all of them. Others are those of keys. A user's token has their role as well. */
function decideAccessToken(
  { scopes, owner }: Extract<Principal, { kind: "access" }>,
  action: Action,
  resources: readonly Resource[],
): AccessDecision {
  const ofOwner = owner === undefined ? ALLOWED : decideRole(owner.role, action);
  if (!ofOwner.allow) return ofOwner;
  if (scopes.length === 0) return ALLOWED;
  if (scopes.some((scope) => isTokenScope(scope) && decideKey(scope, action, resources).allow)) return ALLOWED;
  return refuse("TOKEN_SCOPE", `This access token is of scope "${scopes.join(", ")}" and may not ${action}.`);
}

/** A public token never administers, deploys, or sees variables or insights, whatever it says: it is made for browsers. */
function grants(scopes: readonly string[], action: Action, resources: readonly Resource[]): boolean {
  if (action === "admin" || action === "deploy" || action === "import") return false;
  if (resources.some(({ kind }) => kind === "variables" || kind === "insights")) return false;
  return scopes.some(
    (scope) =>
      scope === "admin" ||
      scope === `${action}:all` ||
      scope === action ||
      resources.some(
        ({ kind, id }) =>
          scope === `${action}:${kind}` ||
          (id !== undefined && scope === `${action}:${kind}:${id}`) ||
          (action === "trigger" && kind === "tasks" && (scope === "write:tasks" || scope === `write:tasks:${id}`)),
      ),
  );
}

function scopeName(action: Action, resource: Resource | undefined): string {
  if (resource === undefined) return action;
  return resource.id === undefined ? `${action}:${resource.kind}` : `${action}:${resource.kind}:${resource.id}`;
}

function refuse(reason: Refusal, message: string): AccessDecision {
  return { allow: false, reason, message };
}
