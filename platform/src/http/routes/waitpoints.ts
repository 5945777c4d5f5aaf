import type { IncomingMessage } from "node:http";
import {
  completeTokenBodySchema,
  completeTokenReplySchema,
  createTokenBodySchema,
  createTokenReplySchema,
  retrievedTokenSchema,
  tokenListQuerySchema,
  tokenListReplySchema,
} from "@gantry/sdk/contract";
import { z } from "zod";
import { AppError } from "../../errors.ts";
import type { EnvironmentRef } from "../../projects/principal.ts";
import { decideAccess } from "../access-policy.ts";
import type { Identity } from "../authenticate.ts";
import type { BodyLimit } from "../body.ts";
import { readCallback } from "../callback-body.ts";
import { CALLBACK_PATH } from "../callback-urls.ts";
import type { Edge } from "../edge.ts";
import { type Route, route, SMALL_BODY } from "../route.ts";
import {
  retrievedToken,
  tokenView,
  toOutput,
  toTokenPage,
  toWaitpointFilter,
  toWaitpointRequest,
} from "../token-view.ts";

const PATH = "/api/v1/waitpoints/tokens";
const tokenParams = z.object({ waitpointId: z.string().max(200) });
const COMPLETION_TOKEN_SECONDS = 24 * 3600;
/** A webhook is called once, and again where its sender did not see the answer. */
const CALLBACK_RATE = { burst: 20, refillPerSecond: 1 };

/** Tokens that runs wait for and somebody outside completes. */
export function waitpointRoutes(edge: Edge): Route[] {
  return [createToken, listTokens, retrieveToken, completeToken, callBack].map((make) => make(edge));
}

const createToken = (edge: Edge) =>
  route({
    method: "post",
    path: PATH,
    tag: "waitpoints",
    summary: "Create a token; its reply's x-trigger-jwt header may complete it, for a day",
    access: { by: "policy", action: "write", kind: "waitpoints" },
    body: { schema: createTokenBodySchema, limit: SMALL_BODY },
    reply: createTokenReplySchema,
    async handle({ req, res, body, environment }) {
      const limits = await edge.limits.get(environment);
      const request = toWaitpointRequest(body, limits, edge.deps.clock.now());
      const { id, isCached } = await edge.deps.waitpoints.create(environment, request);
      const scopes = [`write:waitpoints:${id}`];
      res.setHeader(
        "x-trigger-jwt",
        edge.tokens.issue(environment, { scopes, expiresInSeconds: COMPLETION_TOKEN_SECONDS }),
      );
      return { id, isCached, url: edge.callbacks.create(req, environment.id, id) };
    },
  });

const listTokens = (edge: Edge) =>
  route({
    method: "get",
    path: PATH,
    tag: "waitpoints",
    summary: "List tokens, newest first",
    access: { by: "policy", action: "read", kind: "waitpoints" },
    query: tokenListQuerySchema,
    reply: tokenListReplySchema,
    async handle({ req, query, environment, identity }) {
      const filter = toWaitpointFilter(query, edge.deps.clock.now());
      const { tokens, next, previous } = await edge.deps.waitpoints.list(environment, filter, toTokenPage(query));
      const url = urlOf(edge, req, environment);
      const waiting = await waitingFor(edge, { environment, identity }, tokens);
      const data = tokens.map((token) => tokenView(token, url(token.id), waiting(token.id)));
      return { data, pagination: { next, previous } };
    },
  });

const retrieveToken = (edge: Edge) =>
  route({
    method: "get",
    path: `${PATH}/:waitpointId`,
    tag: "waitpoints",
    summary: "Retrieve a token, with what it was completed with",
    access: { by: "policy", action: "read", kind: "waitpoints", idFrom: "waitpointId" },
    params: tokenParams,
    reply: retrievedTokenSchema,
    async handle({ req, params, environment, identity }) {
      const token = await edge.deps.waitpoints.retrieve(environment, params.waitpointId);
      const waiting = await waitingFor(edge, { environment, identity }, [token]);
      return retrievedToken(token, urlOf(edge, req, environment)(token.id), waiting(token.id));
    },
  });

const completeToken = (edge: Edge) =>
  route({
    method: "post",
    path: `${PATH}/:waitpointId/complete`,
    tag: "waitpoints",
    summary: "Complete a token; the first wins, later ones change nothing",
    access: { by: "policy", action: "write", kind: "waitpoints", idFrom: "waitpointId" },
    params: tokenParams,
    body: { schema: completeTokenBodySchema, limit: outputBodyLimit(edge) },
    reply: completeTokenReplySchema,
    async handle({ params, body, environment }) {
      const completion = await edge.deps.waitpoints.complete(environment, params.waitpointId, toOutput(body));
      return { success: true, ...completion };
    },
  });

const callBack = (edge: Edge) =>
  route({
    method: "post",
    path: CALLBACK_PATH,
    tag: "waitpoints",
    summary: "Complete a token by the URL that it was made with: for webhooks. JSON, a form or text becomes its output",
    access: { by: "none" },
    params: tokenParams.extend({ hash: z.string().max(200) }),
    body: { stream: "*/*" },
    reply: completeTokenReplySchema,
    async handle({ req, params }) {
      const environmentId = edge.callbacks.verify(params.waitpointId, params.hash);
      if (environmentId === undefined) throw noCallback();
      limitCallbacks(edge, params.waitpointId);
      const environment = await edge.deps.projects.environmentById(environmentId);
      if (environment === undefined) throw noCallback();
      const completion = await edge.deps.waitpoints.complete(environment, params.waitpointId, await readCallback(req));
      return { success: true, ...completion };
    },
  });

/** Runs that wait for tokens, by a token's id; undefined for who may not read runs. */
async function waitingFor(
  edge: Edge,
  { environment, identity }: { environment: EnvironmentRef; identity: Identity },
  tokens: readonly { id: string }[],
) {
  if (!decideAccess(identity.principal, "read", [{ kind: "runs" }]).allow) return () => undefined;
  const ids = tokens.map(({ id }) => id);
  const found = await edge.deps.waitpoints.waitingRuns(environment, ids);
  return (id: string) => found.get(id) ?? [];
}

function urlOf(edge: Edge, req: IncomingMessage, environment: EnvironmentRef) {
  return (id: string) => edge.callbacks.create(req, environment.id, id);
}

/** The output twice, since JSON in a JSON string may grow so much by its escapes. */
function outputBodyLimit(edge: Edge) {
  return async ({ environment }: Identity): Promise<BodyLimit> => {
    const outputBytes = environment === undefined ? 0 : (await edge.limits.get(environment)).outputBytes;
    return { bytes: outputBytes * 2 + 64 * 1024, name: "outputBytes", code: "OUTPUT_TOO_LARGE" };
  };
}

/** Says nothing of what was sent: whoever reads the message must not learn an address. */
function noCallback(): AppError {
  return new AppError("TOKEN_NOT_FOUND", "No token is completed at this address.");
}

function limitCallbacks(edge: Edge, waitpointId: string): void {
  const decision = edge.rateLimiter.take(`callback:${waitpointId}`, CALLBACK_RATE, edge.deps.clock.now());
  if (decision.allowed) return;
  edge.metrics.refused("rate");
  throw new AppError("RATE_LIMITED", "This token's callback URL is called too often.", {
    retryAfterSeconds: Math.max(1, decision.retryAfterMs / 1000),
  });
}
