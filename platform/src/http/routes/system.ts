import { createHash, timingSafeEqual } from "node:crypto";
import {
  healthReplySchema,
  limitsBodySchema,
  limitsReplySchema,
  okReplySchema,
  type WhoamiReply,
  whoamiReplySchema,
} from "@gantry/sdk/contract";
import { z } from "zod";
import { AppError } from "../../errors.ts";
import type { Principal } from "../../projects/principal.ts";
import type { Identity } from "../authenticate.ts";
import type { Edge } from "../edge.ts";
import { sendJson } from "../error-reply.ts";
import { openApiDocument } from "../openapi.ts";
import { ANSWERED, type Route, route, SMALL_BODY } from "../route.ts";

const ADMIN = { by: "policy", action: "admin", kind: "environment" } as const;
const READY_MS = 3_000;
/** What every process answers, whatever its roles. */
export const PROCESS_TAG = "process";

/** `described` are the other routes, for the OpenAPI document. */
export function systemRoutes(edge: Edge, described: readonly Route[]): Route[] {
  const made = [whoAmI, readLimits, changeLimits, health, readiness, metrics].map((make) => make(edge));
  const routes = [...made, pause(edge, "pause"), pause(edge, "resume")];
  const document: Route = openApi(() => openApiDocument([...described, ...routes, document], edge.deps.config.version));
  return [...routes, document];
}

const whoAmI = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v2/whoami",
    tag: "system",
    summary: "Whose credential this is, and what it may do",
    access: { by: "identity" },
    reply: whoamiReplySchema,
    handle: ({ identity }) => whoami(edge, identity),
  });

const readLimits = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v1/limits",
    tag: "system",
    summary: "Every limit of the environment",
    access: { by: "policy", action: "read", kind: "environment" },
    reply: limitsReplySchema,
    handle: ({ environment }) => edge.limits.get(environment),
  });

const changeLimits = (edge: Edge) =>
  route({
    method: "put",
    path: "/api/v1/limits",
    tag: "system",
    summary: "Change limits of the environment; those left out stay",
    access: ADMIN,
    body: { schema: limitsBodySchema, limit: SMALL_BODY },
    reply: limitsReplySchema,
    async handle({ body, environment }) {
      await edge.deps.projects.setLimits(environment, body as never);
      edge.limits.forget(environment.id);
      return edge.limits.get(environment);
    },
  });

const health = (_edge: Edge) =>
  route({
    method: "get",
    path: "/healthz",
    tag: PROCESS_TAG,
    summary: "The process is alive",
    access: { by: "none" },
    reply: healthReplySchema,
    handle: () => ({ status: "ok" }),
  });

const readiness = (edge: Edge) =>
  route({
    method: "get",
    path: "/readyz",
    tag: PROCESS_TAG,
    summary: "The process can serve: the database answers; 503 otherwise",
    access: { by: "none" },
    reply: healthReplySchema,
    async handle({ res }) {
      const store = await answers(edge.deps.pingStore);
      sendJson(res, store ? 200 : 503, {
        status: store ? "ok" : "unavailable",
        // It serves the API without a cluster: runs wait, and say why.
        checks: { store: store ? "ok" : "unavailable", ...clusterCheck(edge.deps.clusterProblem) },
      });
      return ANSWERED;
    },
  });

function clusterCheck(problem: (() => string | undefined) | undefined) {
  return problem === undefined ? {} : { cluster: problem() ?? "ok" };
}

const metrics = (edge: Edge) =>
  route({
    method: "get",
    path: "/metrics",
    tag: PROCESS_TAG,
    summary: "Metrics for Prometheus",
    access: { by: "none" },
    reply: { media: "text/plain" },
    async handle({ req, res }) {
      if (edge.deps.config.metricsToken !== undefined)
        demandToken(req.headers.authorization, edge.deps.config.metricsToken);
      const text = await edge.deps.metrics.metrics();
      res.setHeader("content-type", edge.deps.metrics.contentType);
      res.end(text);
      return ANSWERED;
    },
  });

const pause = (edge: Edge, action: "pause" | "resume") =>
  route({
    method: "post",
    path: `/api/v1/environment/${action}`,
    tag: "system",
    summary:
      action === "pause"
        ? "Start no more runs in the environment; running ones go on"
        : "Start runs in the environment again",
    access: ADMIN,
    reply: okReplySchema,
    async handle({ environment }) {
      await edge.deps.projects.pause(environment, action === "pause");
      return { success: true };
    },
  });

/** Made when it is first asked for: most processes never are. */
function openApi(make: () => unknown): Route {
  let document: unknown;
  return route({
    method: "get",
    path: "/api/openapi.json",
    tag: "system",
    summary: "This document",
    access: { by: "none" },
    reply: z.record(z.string(), z.unknown()),
    handle() {
      document ??= make();
      return document;
    },
  });
}

function whoami(edge: Edge, { principal, environment }: Identity): WhoamiReply {
  return {
    userId:
      userOf(principal)?.userId ?? (principal.kind === "access" ? principal.tokenId : (environment?.publicId ?? "")),
    email: userOf(principal)?.email ?? "nobody@gantry.invalid",
    dashboardUrl: edge.deps.config.publicUrl ?? "",
    ...(environment === undefined
      ? {}
      : {
          project: {
            name: environment.projectName,
            url: edge.deps.config.publicUrl ?? "",
            orgTitle: environment.projectName,
            ref: environment.projectRef,
          },
          environment: { id: environment.publicId, slug: environment.slug, type: environment.type },
        }),
    credential: { kind: principal.kind, scopes: scopesOf(principal) },
    platformVersion: edge.deps.config.version,
  };
}

function userOf(principal: Principal): { userId: string; email: string } | undefined {
  return principal.kind === "user" ? principal : principal.kind === "access" ? principal.owner : undefined;
}

function scopesOf(principal: Principal): string[] {
  switch (principal.kind) {
    case "key":
      return [principal.scope];
    case "run":
      return ["run"];
    case "user":
      return [principal.role];
    case "access":
    case "public":
      return principal.scopes;
  }
}

/** False where it rejects, and where it takes too long to be called an answer. */
async function answers(ping: () => Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), READY_MS);
  });
  const ok = ping().then(
    () => true,
    () => false,
  );
  return Promise.race([ok, late]).finally(() => clearTimeout(timer));
}

/** Compared by hashes, in constant time. */
function demandToken(header: string | undefined, token: string): void {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  if (!timingSafeEqual(hash(header ?? ""), hash(`Bearer ${token}`)))
    throw new AppError("UNAUTHORIZED", "The metrics need their token.");
}
