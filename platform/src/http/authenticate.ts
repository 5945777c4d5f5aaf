import type { IncomingMessage } from "node:http";
import { isSessionToken } from "../accounts/session-tokens.ts";
import { AppError } from "../errors.ts";
import { slugsMeant } from "../projects/api-key.ts";
import type { EnvironmentRef, Principal } from "../projects/principal.ts";
import type { HttpDeps } from "./deps.ts";
import { looksPublic, type PublicTokens } from "./public-tokens.ts";

/** Who asks, for which environment. `bucket` is what the rate limit counts by. */
export interface Identity {
  principal: Principal;
  /** Undefined for a personal access token that names no project. */
  environment: EnvironmentRef | undefined;
  bucket: string;
}

/** An environment's key, and the alias that Trigger.dev's clients recognise. */
const KEY = /^(?:gt|tr)_[\w-]+_sk_/;

type TokenOwner = Awaited<ReturnType<HttpDeps["projects"]["authenticateAccessToken"]>>;
type Deps = Pick<HttpDeps, "projects" | "credentials" | "accounts"> & { tokens: PublicTokens };

/** A token, and the environment that its sender says it is for. */
export interface Credential {
  token: string;
  project?: string | undefined;
  environment?: string | undefined;
}

/**
 * Who a request's bearer token belongs to: an environment's key, a public token, a run, or a person.
 *
 * Errors: UNAUTHORIZED, TOKEN_EXPIRED; NOT_FOUND where a personal token names an environment that is not there.
 */
export async function authenticate(req: IncomingMessage, deps: Deps): Promise<Identity> {
  const { "x-gantry-project": project, "x-gantry-environment": environment } = req.headers;
  return authenticateToken({ token: bearer(req), project: one(project), environment: one(environment) }, deps);
}

const one = (header: string | string[] | undefined) => (typeof header === "string" ? header : undefined);

/** The same, of a token that came some other way: a socket's first message. */
export async function authenticateToken(credential: Credential, deps: Deps): Promise<Identity> {
  const { token } = credential;
  if (KEY.test(token)) return keyIdentity(credential, deps);
  if (token.startsWith("gt_pat_")) return accessIdentity(credential, deps);
  if (isSessionToken(token)) return userIdentity(credential, deps);
  if (looksPublic(token)) return publicIdentity(token, deps);
  return runIdentity(token, deps);
}

function bearer(req: IncomingMessage): string {
  const header = req.headers.authorization;
  if (header === undefined) throw new AppError("UNAUTHORIZED", "The request has no Authorization header.");
  if (!/^bearer /i.test(header)) throw new AppError("UNAUTHORIZED", "The Authorization header is not `Bearer <key>`.");
  return header.slice(7).trim();
}

async function keyIdentity(credential: Credential, deps: Deps): Promise<Identity> {
  const found = await deps.projects.authenticateKey(credential.token);
  if (found === undefined) throw new AppError("UNAUTHORIZED", "The key is unknown, expired or revoked.");
  refuseOther(credential, found.environment);
  return { principal: { kind: "key", ...found }, environment: found.environment, bucket: found.keyId };
}

/** Who says which environment they mean, and has the key of another, is about to deploy to the wrong one. */
function refuseOther({ project, environment }: Credential, { projectRef, projectId, slug }: EnvironmentRef): void {
  const isOther =
    (project !== undefined && project !== projectRef && project !== projectId) ||
    (environment !== undefined && !slugsMeant(environment).includes(slug));
  if (!isOther) return;
  const meant = [project ?? projectRef, environment ?? slug].map((part) => part.slice(0, 64)).join("/");
  throw new AppError("FORBIDDEN", `The request is meant for ${meant}, and the credential is of ${projectRef}/${slug}.`);
}

async function userIdentity(credential: Credential, deps: Deps): Promise<Identity> {
  const principal = await deps.accounts.tokens.verify(credential.token);
  if (principal.environment !== undefined) refuseOther(credential, principal.environment);
  return { principal, environment: principal.environment, bucket: `user:${principal.userId}` };
}

async function publicIdentity(token: string, deps: Deps): Promise<Identity> {
  const principal = await deps.tokens.verify(token);
  return { principal, environment: principal.environment, bucket: `public:${principal.tokenId}` };
}

async function runIdentity(token: string, deps: Deps): Promise<Identity> {
  const run = deps.credentials.verifyRunToken(token);
  const environment = run === undefined ? undefined : await deps.projects.environmentById(run.environmentId);
  if (run === undefined || environment === undefined) {
    throw new AppError("UNAUTHORIZED", "The key or token is unknown, expired or revoked.");
  }
  const principal: Principal = {
    kind: "run",
    environment,
    runId: run.runId,
    executionId: run.executionId,
    fence: run.fence,
  };
  return { principal, environment, bucket: `run:${run.runId}` };
}

/** A person names the environment beside the token; without them only what needs no environment works. */
async function accessIdentity(credential: Credential, deps: Deps): Promise<Identity> {
  const { token, project, environment: slug } = credential;
  const found = await deps.projects.authenticateAccessToken(token);
  if (found === undefined) throw new AppError("UNAUTHORIZED", "The access token is unknown, expired or revoked.");
  const principal: Principal = { kind: "access", tokenId: found.tokenId, scopes: found.scopes, ...ownerOf(found) };
  const bucket = `access:${found.tokenId}`;
  if (project === undefined || slug === undefined) return { principal, environment: undefined, bucket };
  const environment = await environmentMeant(deps, project, slug);
  if (environment === undefined) {
    throw new AppError(
      "NOT_FOUND",
      `There is no environment "${slug.slice(0, 64)}" in the project "${project.slice(0, 64)}".`,
    );
  }
  return { principal, environment, bucket };
}

function ownerOf({ owner }: Pick<NonNullable<TokenOwner>, "owner">) {
  return owner === undefined ? {} : { owner };
}

async function environmentMeant(deps: Deps, project: string, slug: string): Promise<EnvironmentRef | undefined> {
  for (const meant of slugsMeant(slug)) {
    const found = await deps.projects.environment(project, meant);
    if (found !== undefined) return found;
  }
  return undefined;
}
