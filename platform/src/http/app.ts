import { DEFAULT_LIMITS } from "@gantry/sdk/contract";
import express, { type Express, type NextFunction, type Request, type Response } from "express";
import { AppError } from "../errors.ts";
import { censorText } from "../logging.ts";
import { type Action, decideAccess, type Resource } from "./access-policy.ts";
import { recorded, seenOf } from "./audit-trail.ts";
import { authenticate, type Identity } from "./authenticate.ts";
import { drain, readJson } from "./body.ts";
import { rateOf } from "./credential-rate.ts";
import { serveDashboard } from "./dashboard-files.ts";
import type { HttpDeps } from "./deps.ts";
import { createEdge, type Edge } from "./edge.ts";
import { sendError, sendJson, toAppError } from "./error-reply.ts";
import type { Rate } from "./rate-limiter.ts";
import { ANSWERED, type Route } from "./route.ts";
import { allRoutes } from "./routes/index.ts";
import { PROCESS_TAG } from "./routes/system.ts";
import { parse } from "./validation-error.ts";

/** Of one address, for what it asks with a cookie: to sign in, and a token now and then. */
const BROWSER_RATE: Rate = { burst: 300, refillPerSecond: 10 };

/**
 * For `http.createServer`: a client that sends a byte a minute holds a connection for so long and no longer. A layer of a
 * deploy may take half an hour; bodies that are read as a whole have a limit of their own. Milliseconds.
 */
export const SERVER_OPTIONS = {
  requestTimeout: 1_800_000,
  headersTimeout: 30_000,
  keepAliveTimeout: 65_000,
  maxHeaderSize: 32 * 1024,
};

/** The REST API. It does no work of its own: it asks the ports, and says what they say in HTTP. */
export function createHttpApp(deps: HttpDeps, edge: Edge = createEdge(deps)): Express {
  const app = express();
  app.disable("x-powered-by").disable("etag").set("query parser", false).set("case sensitive routing", true);
  app.use(begin(edge));
  const routes = allRoutes(edge).filter(({ tag }) => deps.config.servesApi !== false || tag === PROCESS_TAG);
  const methods = new Map<string, Set<string>>();
  for (const definition of routes) {
    app[definition.method](definition.path, serve(edge, definition));
    methods.set(definition.path, (methods.get(definition.path) ?? new Set()).add(definition.method.toUpperCase()));
  }
  for (const [path, allowed] of methods) app.all(path, refuseMethod(allowed));
  const { dashboardDirectory: directory, publicUrl } = deps.config;
  if (directory !== undefined && deps.config.servesApi !== false) serveDashboard(app, { directory, publicUrl });
  app.use((req: Request) => {
    const place = deps.config.servesApi === false ? " here: this process schedules and serves no API" : "";
    throw new AppError("NOT_FOUND", `There is no ${req.method} ${censorText(req.path.slice(0, 200))}${place}.`);
  });
  app.use(fail(edge));
  return app;
}

function refuseMethod(allowed: ReadonlySet<string>) {
  const names = [...allowed].join(", ");
  return (req: Request, res: Response) => {
    res.setHeader("allow", names);
    throw new AppError("METHOD_NOT_ALLOWED", `${req.method} is not allowed here; ${names} is.`);
  };
}

/** What every request gets: an id, a log line and a measurement when it is over, and CORS, since keys travel in a header and never in a cookie. */
function begin(edge: Edge) {
  const { logger } = edge.deps;
  return (req: Request, res: Response, next: NextFunction) => {
    const startedAt = performance.now();
    const sent = req.headers["x-request-id"];
    const requestId = typeof sent === "string" && /^[\w.-]{1,64}$/.test(sent) ? sent : edge.nextRequestId();
    res.locals.requestId = requestId;
    res.setHeader("x-request-id", requestId);
    res.on("close", () => {
      const ms = performance.now() - startedAt;
      const route = (res.locals.route as string | undefined) ?? "none";
      edge.metrics.observe(req.method, route, res.statusCode, ms / 1000);
      const level = res.statusCode >= 500 ? "error" : res.statusCode >= 400 ? "info" : "debug";
      logger[level](
        {
          requestId,
          method: req.method,
          route,
          status: res.statusCode,
          ms: Math.round(ms * 10) / 10,
          ...res.locals.log,
        },
        "request",
      );
    });
    if (req.headers.origin === undefined) return next();
    res.setHeader("access-control-allow-origin", "*");
    res.setHeader(
      "access-control-expose-headers",
      "x-request-id, x-trigger-jwt, x-trigger-jwt-claims, retry-after, x-should-retry, x-ratelimit-reset",
    );
    if (req.method !== "OPTIONS" || req.headers["access-control-request-method"] === undefined) return next();
    res.setHeader("access-control-allow-methods", "GET, POST, PUT, DELETE");
    res.setHeader("access-control-allow-headers", String(req.headers["access-control-request-headers"] ?? "*"));
    res.setHeader("access-control-max-age", "86400");
    res.status(204).end();
  };
}

/** One request of a route: who asks, how often, whether they may; then the body; then the handler. */
function serve(edge: Edge, definition: Route) {
  const status = definition.status ?? 200;
  return async (req: Request, res: Response) => {
    res.locals.route = definition.path;
    const answer = await recorded(edge, definition, { req, res }, () => answerOf(edge, definition, req, res));
    if (answer === ANSWERED) return;
    if (!("media" in definition.reply)) edge.deps.inspectReply?.(definition.reply, answer);
    sendJson(res, status, answer);
  };
}

async function answerOf(edge: Edge, definition: Route, req: Request, res: Response): Promise<unknown> {
  const identity = await whoAsks(edge, definition, req, res);
  const seen = seenOf(res);
  seen.identity = identity;
  if (definition.access.by === "policy") {
    const { action, kind, idFrom } = definition.access;
    const id = idFrom === undefined ? undefined : String(req.params[idFrom]);
    demand(edge, identity, action, [id === undefined ? { kind } : { kind, id }]);
  }
  // What no thing of any kind is open to for this role is refused before anything is read.
  if (definition.access.by === "late" && identity?.principal.kind === "user")
    demand(edge, identity, definition.access.action, []);
  if (identity?.principal.kind === "run" && req.method !== "GET") await demandCurrent(edge, identity);
  let isAllowed = definition.access.by !== "late";
  const params = definition.params === undefined ? req.params : parse(definition.params, req.params, "path");
  const query = definition.query === undefined ? {} : parse(definition.query, queryOf(req), "query");
  const body = await bodyOf(definition, identity, req);
  seen.body = body;
  const answer = await definition.handle({
    req,
    res,
    params: params as never,
    query,
    body,
    identity: identity as Identity,
    get environment() {
      return environmentOf(identity);
    },
    allow(action, resources) {
      demand(edge, identity, action, resources);
      isAllowed = true;
    },
  });
  if (!isAllowed) throw new Error(`${definition.path} answered without a check of what the caller may do`);
  seen.answer = answer;
  return answer;
}

async function whoAsks(edge: Edge, { access }: Route, req: Request, res: Response): Promise<Identity | undefined> {
  if (access.by === "none") return undefined;
  if (access.by !== "browser") return identify(edge, req, res);
  // What a cookie opens is for the dashboard's own pages: no other origin may read it.
  res.removeHeader("access-control-allow-origin");
  res.setHeader("cache-control", "no-store");
  takeRate(edge, `browser:${edge.browser.origin(req).address}`, BROWSER_RATE, res);
  edge.browser.guard(req);
  return undefined;
}

function environmentOf(identity: Identity | undefined) {
  if (identity?.environment !== undefined) return identity.environment;
  throw new AppError(
    "BAD_REQUEST",
    "A personal access token names its environment by the headers x-gantry-project and x-gantry-environment.",
  );
}

async function identify(edge: Edge, req: Request, res: Response): Promise<Identity> {
  let identity: Identity;
  try {
    identity = await authenticate(req, { ...edge.deps, tokens: edge.tokens });
  } catch (error) {
    edge.metrics.refused("auth");
    throw error;
  }
  res.locals.log = { environment: identity.environment?.publicId, credential: identity.bucket };
  const limits =
    identity.environment === undefined
      ? DEFAULT_LIMITS
      : (edge.limits.peek(identity.environment) ?? (await edge.limits.get(identity.environment)));
  takeRate(edge, identity.bucket, rateOf(identity, limits), res);
  return identity;
}

/** Errors: RATE_LIMITED. */
function takeRate(edge: Edge, bucket: string, rate: Rate, res: Response): void {
  const decision = edge.rateLimiter.take(bucket, rate, edge.deps.clock.now());
  res.setHeader("ratelimit-limit", decision.limit);
  res.setHeader("ratelimit-remaining", decision.remaining);
  res.setHeader("ratelimit-reset", Math.ceil(decision.resetMs / 1000));
  if (decision.allowed) return;
  edge.metrics.refused("rate");
  res.setHeader("x-ratelimit-reset", Math.ceil(edge.deps.clock.now() + decision.retryAfterMs));
  throw new AppError(
    "RATE_LIMITED",
    `This credential has used up its rate of ${decision.limit} at once and ${rate.refillPerSecond} a second.`,
    {
      details: { limit: "apiBurst", burst: decision.limit, refillPerSecond: rate.refillPerSecond },
      retryAfterSeconds: Math.max(1, decision.retryAfterMs / 1000),
    },
  );
}

function demand(edge: Edge, identity: Identity | undefined, action: Action, resources: readonly Resource[]): void {
  if (identity === undefined) throw new Error("a route without a credential asked for access");
  const decision = decideAccess(identity.principal, action, resources);
  if (decision.allow) return;
  edge.metrics.refused("access");
  throw new AppError("FORBIDDEN", decision.message, { details: { reason: decision.reason } });
}

/** A worker that was fenced, and comes back, may read but write nothing. */
async function demandCurrent(edge: Edge, identity: Identity): Promise<void> {
  const { principal } = identity;
  if (principal.kind !== "run" || (await edge.deps.runs.isCurrent(principal.environment, principal.runId, principal)))
    return;
  throw new AppError("EXECUTION_FENCED", `Run ${principal.runId} is no longer this worker's.`);
}

async function bodyOf(definition: Route, identity: Identity | undefined, req: Request): Promise<unknown> {
  const { body } = definition;
  if (body === undefined || "stream" in body) return undefined;
  const limit = typeof body.limit === "function" ? await body.limit(identity as Identity) : body.limit;
  const value = await readJson(req, limit);
  return parse(body.schema, value ?? {}, "body");
}

function queryOf(req: Request): Record<string, string> {
  const at = req.url.indexOf("?");
  return at === -1 ? {} : Object.fromEntries(new URLSearchParams(req.url.slice(at + 1)));
}

function fail(edge: Edge) {
  return (thrown: unknown, req: Request, res: Response, _next: NextFunction) => {
    const requestId = String(res.locals.requestId ?? "");
    const error = toAppError(thrown, requestId);
    if (error.status >= 500 && error.code !== "NOT_IMPLEMENTED") {
      edge.deps.logger.error({ requestId, code: error.code, err: error.cause ?? error }, error.message);
    }
    res.locals.log = { ...res.locals.log, code: error.code };
    if (res.headersSent) {
      res.destroy();
      return;
    }
    if (!req.readableEnded) drain(req);
    sendError(res, error);
  };
}
