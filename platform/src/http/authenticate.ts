import type { IncomingMessage } from "node:http";
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

type Deps = Pick<HttpDeps, "projects" | "credentials"> & { tokens: PublicTokens };

/**
 * Who a request's bearer token belongs to: an environment's key, a public token, a run, or a person.
 *
 * Errors: UNAUTHORIZED, TOKEN_EXPIRED; NOT_FOUND where a personal token names an environment that is not there.
 */
export async function authenticate(req: IncomingMessage, deps: Deps): Promise<Identity> {
  const token = bearer(req);
  if (KEY.test(token)) return keyIdentity(req, token, deps);
  if (token.startsWith("gt_pat_")) return accessIdentity(req, token, deps);
  if (looksPublic(token)) return publicIdentity(token, deps);
  return runIdentity(token, deps);
}

function bearer(req: IncomingMessage): string {
  const header = req.headers.authorization;
  if (header === undefined) throw new AppError("UNAUTHORIZED", "The request has no Authorization header.");
  if (!/^bearer /i.test(header)) throw new AppError("UNAUTHORIZED", "The Authorization header is not `Bearer <key>`.");
  return header.slice(7).trim();
}

async function keyIdentity(req: IncomingMessage, token: string, deps: Deps): Promise<Identity> {
  const found = await deps.projects.authenticateKey(token);
  if (found === undefined) throw new AppError("UNAUTHORIZED", "The key is unknown, expired or revoked.");
  refuseOther(req, found.environment);
  return { principal: { kind: "key", ...found }, environment: found.environment, bucket: found.keyId };
}

/** Who says which environment they mean, and has the key of another, is about to deploy to the wrong one. */
function refuseOther(req: IncomingMessage, { projectRef, projectId, slug }: EnvironmentRef): void {
  const { "x-gantry-project": project, "x-gantry-environment": environment } = req.headers;
  const isOther =
    (typeof project === "string" && project !== projectRef && project !== projectId) ||
    (typeof environment === "string" && !slugsMeant(environment).includes(slug));
  if (!isOther) return;
  const meant = [project ?? projectRef, environment ?? slug].map((part) => String(part).slice(0, 64)).join("/");
  throw new AppError("FORBIDDEN", `The request is meant for ${meant}, and the key is of ${projectRef}/${slug}.`);
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

/** A person names the environment by two headers; without them only what needs no environment works. */
async function accessIdentity(req: IncomingMessage, token: string, deps: Deps): Promise<Identity> {
  const found = await deps.projects.authenticateAccessToken(token);
  if (found === undefined) throw new AppError("UNAUTHORIZED", "The access token is unknown, expired or revoked.");
  const principal: Principal = { kind: "access", tokenId: found.tokenId, scopes: found.scopes };
  const project = req.headers["x-gantry-project"];
  const slug = req.headers["x-gantry-environment"];
  const bucket = `access:${found.tokenId}`;
  if (typeof project !== "string" || typeof slug !== "string") return { principal, environment: undefined, bucket };
  const environment = await environmentMeant(deps, project, slug);
  if (environment === undefined) {
    throw new AppError(
      "NOT_FOUND",
      `There is no environment "${slug.slice(0, 64)}" in the project "${project.slice(0, 64)}".`,
    );
  }
  return { principal, environment, bucket };
}

async function environmentMeant(deps: Deps, project: string, slug: string): Promise<EnvironmentRef | undefined> {
  for (const meant of slugsMeant(slug)) {
    const found = await deps.projects.environment(project, meant);
    if (found !== undefined) return found;
  }
  return undefined;
}
