import { taskIdSchema, triggerBodySchema, triggerReplySchema } from "@gantry/sdk/contract";
import type { Response } from "express";
import { z } from "zod";
import { AppError } from "../../errors.ts";
import type { EnvironmentRef } from "../../projects/principal.ts";
import type { TriggerRequest, TriggerResult } from "../../runs/run.ts";
import type { Identity } from "../authenticate.ts";
import type { BodyLimit } from "../body.ts";
import type { Edge } from "../edge.ts";
import { HANDLE_TOKEN_SECONDS } from "../public-tokens.ts";
import { type Route, route } from "../route.ts";
import { refuseLargePayload, type TriggerContext, toTriggerRequest } from "../trigger-request.ts";

export const taskParams = z.object({ taskId: taskIdSchema });

export function triggerRoutes(edge: Edge): Route[] {
  return [
    route({
      method: "post",
      path: "/api/v1/tasks/:taskId/trigger",
      tag: "trigger",
      summary: "Trigger a run of a task",
      access: { by: "policy", action: "trigger", kind: "tasks", idFrom: "taskId" },
      params: taskParams,
      body: { schema: triggerBodySchema, limit: triggerBodyLimit(edge) },
      reply: triggerReplySchema,
      async handle({ req, res, params, body, identity, environment }) {
        const work = async () => {
          const request = toTriggerRequest(params.taskId, body, await triggerContext(edge, environment));
          return triggerOne(edge, identity, environment, request);
        };
        const requestKey = req.headers["x-trigger-request-idempotency-key"];
        const result =
          typeof requestKey === "string"
            ? await edge.recentTriggers.once(`${environment.id} ${params.taskId} ${requestKey}`, work)
            : await work();
        setHandleToken(edge, res, environment, `read:runs:${result.runId}`);
        return { id: result.runId, isCached: result.isCached };
      },
    }),
  ];
}

/** The payload twice, since JSON in a JSON string may grow so much by its escapes; uploads are not counted here. */
export function triggerBodyLimit(edge: Edge) {
  return async (identity: Identity): Promise<BodyLimit> => {
    const { environment } = identity;
    const limits = environment === undefined ? undefined : await edge.limits.get(environment);
    const payloadBytes = limits?.payloadBytes ?? 0;
    return { bytes: payloadBytes * 2 + 1024 * 1024, name: "payloadBytes", code: "PAYLOAD_TOO_LARGE" };
  };
}

export async function triggerContext(edge: Edge, environment: EnvironmentRef): Promise<TriggerContext> {
  const limits = edge.limits.peek(environment) ?? (await edge.limits.get(environment));
  return { limits, nowMs: edge.deps.clock.now(), machines: edge.machines };
}

/** Puts the bytes of an upload in the place of the reference to it. Errors: PACKET_NOT_FOUND, PAYLOAD_TOO_LARGE. */
export async function resolvePayload(edge: Edge, environment: EnvironmentRef, request: TriggerRequest): Promise<void> {
  if (request.payload.type !== "application/store") return;
  const name = request.payload.data.toString("utf8");
  const packet = name.includes("\0") ? undefined : await edge.deps.runs.getPacket(environment, name);
  if (packet === undefined)
    throw new AppError("PACKET_NOT_FOUND", `There is no uploaded payload "${name.slice(0, 200)}".`);
  refuseLargePayload(packet.data.length, await edge.limits.get(environment));
  request.payload = packet;
}

/** Who triggers decides what a request may say of its parent. */
export function applyCaller(request: TriggerRequest, identity: Identity): void {
  const { principal } = identity;
  if (principal.kind === "run") request.parentRunId = principal.runId;
  else if (principal.kind === "public") delete request.parentRunId;
}

export function fenceOf(identity: Identity): { executionId: string; fence: string } | undefined {
  const { principal } = identity;
  return principal.kind === "run" ? { executionId: principal.executionId, fence: principal.fence } : undefined;
}

async function triggerOne(
  edge: Edge,
  identity: Identity,
  environment: EnvironmentRef,
  request: TriggerRequest,
): Promise<TriggerResult> {
  applyCaller(request, identity);
  if (request.payload.type === "application/store") await resolvePayload(edge, environment, request);
  await spendOneTimeToken(edge, identity);
  const [result] = await edge.deps.runs.trigger(environment, [request], fenceOf(identity));
  if (result === undefined) throw new Error("the engine gave no answer to a trigger");
  if (result instanceof AppError) throw result;
  return result;
}

/** Errors: FORBIDDEN for the second use of a token that is good for one. */
export async function spendOneTimeToken(edge: Edge, { principal }: Identity): Promise<void> {
  if (principal.kind !== "public" || !principal.oneTimeUse || principal.tokenId === undefined) return;
  const isFirst = await edge.deps.projects.spendToken(principal.tokenId, principal.expiresAt);
  if (!isFirst)
    throw new AppError("FORBIDDEN", "This token was good for one use and has been used.", {
      details: { reason: "TOKEN_USED" },
    });
}

/** A token for the browser that reads what was just made, for an hour; Trigger.dev's clients take it from this header. */
export function setHandleToken(edge: Edge, res: Response, environment: EnvironmentRef, scope: string): void {
  res.setHeader(
    "x-trigger-jwt",
    edge.tokens.issue(environment, { scopes: [scope], expiresInSeconds: HANDLE_TOKEN_SECONDS }),
  );
}
