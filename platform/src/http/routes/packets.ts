import { randomUUID } from "node:crypto";
import { presignedReplySchema, signedQuerySchema, text } from "@gantry/sdk/contract";
import type { Response } from "express";
import { z } from "zod";
import { AppError } from "../../errors.ts";
import type { EnvironmentRef } from "../../projects/principal.ts";
import type { Packet } from "../../runs/run.ts";
import { readBody } from "../body.ts";
import type { Edge } from "../edge.ts";
import { ANSWERED, type Route, route } from "../route.ts";
import { PACKET_PATH, type PacketGrant } from "../signed-urls.ts";

const nameParams = z.object({ name: text(512, 1) });
const CONTENT_TYPES = ["application/json", "application/super+json", "text/plain"];

/** Payloads too large for a trigger's body: Trigger.dev's clients upload from 128 KB on, then trigger with a reference. */
export function packetRoutes(edge: Edge): Route[] {
  return [presignUpload, presignDownload, upload, download].map((make) => make(edge));
}

const presignUpload = (edge: Edge) =>
  route({
    method: "put",
    path: "/api/v2/packets/:name",
    tag: "packets",
    summary: "A URL to upload a large payload to, and its reference for the trigger",
    access: { by: "late", action: "trigger" },
    params: nameParams,
    reply: presignedReplySchema,
    handle({ req, params, identity, environment, allow }) {
      // A token for one task may upload too: the name is random, so nothing of others can be met.
      const task =
        identity.principal.kind === "public" ? identity.principal.scopes.map(scopedTask).find(Boolean) : undefined;
      allow(task?.action ?? "trigger", [{ kind: "tasks", ...(task === undefined ? {} : { id: task.id }) }]);
      const name = `${randomUUID()}/${params.name}`;
      return {
        presignedUrl: edge.urls.create(req, { do: "put", environmentId: environment.id, name }),
        storagePath: name,
      };
    },
  });

const presignDownload = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v1/packets/:name",
    tag: "packets",
    summary: "A URL to download an upload from",
    access: { by: "policy", action: "read", kind: "packets" },
    params: nameParams,
    reply: presignedReplySchema,
    handle: ({ req, params, environment }) => ({
      presignedUrl: edge.urls.create(req, { do: "get", environmentId: environment.id, name: params.name }),
    }),
  });

const upload = (edge: Edge) =>
  route({
    method: "put",
    path: PACKET_PATH,
    tag: "packets",
    summary: "Upload to a signed URL",
    access: { by: "none" },
    query: signedQuerySchema,
    body: { stream: "application/octet-stream" },
    reply: z.object({}),
    async handle({ req, query }) {
      const grant = edge.urls.verify(query.token);
      if (grant.do !== "put") throw new AppError("FORBIDDEN", "This URL is for downloads.");
      const environment = await environmentOf(edge, grant);
      const limits = await edge.limits.get(environment);
      const type = (req.headers["content-type"] ?? "application/json").split(";")[0]?.trim() ?? "";
      if (!CONTENT_TYPES.includes(type)) {
        throw new AppError(
          "UNSUPPORTED_MEDIA_TYPE",
          `A payload is ${CONTENT_TYPES.join(", ")}; not "${type.slice(0, 80)}".`,
        );
      }
      const data = await readBody(req, {
        bytes: limits.payloadBytes,
        name: "payloadBytes",
        code: "PAYLOAD_TOO_LARGE",
      });
      await edge.deps.runs.putPacket(environment, grant.name, { data, type });
      return {};
    },
  });

const download = (edge: Edge) =>
  route({
    method: "get",
    path: PACKET_PATH,
    tag: "packets",
    summary: "Download from a signed URL",
    access: { by: "none" },
    query: signedQuerySchema,
    reply: { media: "application/octet-stream" },
    async handle({ query, res }) {
      const grant = edge.urls.verify(query.token);
      if (grant.do === "put") throw new AppError("FORBIDDEN", "This URL is for an upload.");
      sendPacket(res, await findPacket(edge, grant));
      return ANSWERED;
    },
  });

async function environmentOf(edge: Edge, grant: PacketGrant): Promise<EnvironmentRef> {
  const environment = await edge.deps.projects.environmentById(grant.environmentId);
  if (environment === undefined) throw new AppError("PACKET_NOT_FOUND", "The environment of this URL is gone.");
  return environment;
}

async function findPacket(edge: Edge, grant: PacketGrant): Promise<Packet> {
  const environment = await environmentOf(edge, grant);
  if (grant.do === "run") {
    const run = await edge.deps.runs.retrieve(environment, grant.runId);
    const packet = grant.field === "payload" ? run?.payload : run?.output;
    if (packet === undefined) throw new AppError("PACKET_NOT_FOUND", `The run has no ${grant.field}.`);
    return packet;
  }
  const packet = await edge.deps.runs.getPacket(environment, grant.name);
  if (packet === undefined) throw new AppError("PACKET_NOT_FOUND", "There is no upload of this name.");
  return packet;
}

function scopedTask(scope: string): { action: "trigger" | "batchTrigger"; id: string } | undefined {
  const [, action, id] = /^(trigger|batchTrigger):tasks:(.+)$/s.exec(scope) ?? [];
  return id === undefined ? undefined : { action: action as "trigger" | "batchTrigger", id };
}

/** The content type exactly as it is: clients choose by it how to read the bytes. Never shown as a page. */
function sendPacket(res: Response, packet: Packet): void {
  res.setHeader("content-type", packet.type);
  res.setHeader("content-length", packet.data.length);
  res.setHeader("x-content-type-options", "nosniff");
  res.setHeader("content-disposition", "attachment");
  res.setHeader("cache-control", "private, no-store");
  res.end(packet.data);
}
