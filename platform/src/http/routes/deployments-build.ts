import {
  type BuildEvent,
  buildDeploymentBodySchema,
  DEPLOY_PATHS,
  deployTargetSchema,
  digestSchema,
  missingLayersBodySchema,
  missingLayersReplySchema,
  okReplySchema,
  prunedReplySchema,
  pushAccessSchema,
} from "@gantry/sdk/contract";
import { z } from "zod";
import type { BuildRequest } from "../../deployments/deploy-service.ts";
import { AppError, ERRORS } from "../../errors.ts";
import type { EnvironmentRef } from "../../projects/principal.ts";
import { refuseEncoding } from "../body.ts";
import { type BuildStream, openBuildStream } from "../build-stream.ts";
import type { Edge } from "../edge.ts";
import { toAppError } from "../error-reply.ts";
import { ANSWERED, type Route, route, SMALL_BODY } from "../route.ts";
import { deploymentDetail } from "./deployment-view.ts";
import { refuseManifest } from "./manifest-check.ts";

const READ = { by: "policy", action: "read", kind: "deployments" } as const;
const DEPLOY = { by: "policy", action: "deploy", kind: "deployments" } as const;

/** What `gantry deploy` asks, in its order. */
export function deploymentBuildRoutes(edge: Edge): Route[] {
  return [readTarget, askMissingLayers, putLayer, build, readPushAccess, prune].map((make) => make(edge));
}

const readTarget = (edge: Edge) =>
  route({
    method: "get",
    path: DEPLOY_PATHS.target,
    tag: "deployments",
    summary: "What a deploy must know before it builds: executor, builders, platforms, base image",
    access: READ,
    reply: deployTargetSchema,
    handle: ({ environment }) => edge.deps.deploys.target(environment),
  });

const askMissingLayers = (edge: Edge) =>
  route({
    method: "post",
    path: DEPLOY_PATHS.missingLayers,
    tag: "deployments",
    summary: "Which of these layers the registry lacks",
    access: DEPLOY,
    body: { schema: missingLayersBodySchema, limit: SMALL_BODY },
    reply: missingLayersReplySchema,
    handle: async ({ environment, body }) => ({
      missing: await edge.deps.deploys.missingLayers(environment, body.digests),
    }),
  });

const putLayer = (edge: Edge) =>
  route({
    method: "put",
    path: DEPLOY_PATHS.layer(":digest"),
    tag: "deployments",
    summary: "Upload a layer: a gzipped tar, checked on its way to the registry",
    access: DEPLOY,
    params: z.object({ digest: digestSchema }),
    body: { stream: "application/octet-stream" },
    reply: okReplySchema,
    async handle({ req, params, environment }) {
      refuseEncoding(req);
      const bytes = Number(req.headers["content-length"]);
      if (!(bytes >= 1)) throw new AppError("BAD_REQUEST", "A layer is sent with its Content-Length.");
      await edge.deps.deploys.storeLayer(environment, { digest: params.digest, bytes }, req);
      return { success: true };
    },
  });

const build = (edge: Edge) =>
  route({
    method: "post",
    path: DEPLOY_PATHS.build,
    tag: "deployments",
    summary:
      "Build an image from uploaded layers, register it as a version, promote it; tells how it goes, a line each",
    access: DEPLOY,
    body: { schema: buildDeploymentBodySchema, limit: { bytes: 32 * 1024 * 1024, name: "manifestBytes" } },
    reply: { media: "application/x-ndjson" },
    async handle({ res, environment, body }) {
      refuseManifest(body.manifest);
      edge.deps.deploys.check(body);
      const stream = openBuildStream(res);
      try {
        await tellBuild(edge, environment, body, stream);
      } catch (thrown) {
        const error = toAppError(thrown, String(res.locals.requestId ?? ""));
        res.locals.log = { ...res.locals.log, code: error.code };
        if (error.code === "INTERNAL" && !stream.signal.aborted)
          edge.deps.logger.error({ requestId: res.locals.requestId, err: error.cause ?? error }, error.message);
        stream.send(errorEvent(error));
      }
      stream.end();
      return ANSWERED;
    },
  });

const readPushAccess = (edge: Edge) =>
  route({
    method: "post",
    path: DEPLOY_PATHS.pushAccess,
    tag: "deployments",
    summary: "Where, and with what, an image that was built elsewhere is pushed",
    access: DEPLOY,
    reply: pushAccessSchema,
    handle: ({ environment }) => edge.deps.deploys.pushAccess(environment),
  });

const prune = (edge: Edge) =>
  route({
    method: "post",
    path: DEPLOY_PATHS.prune,
    tag: "deployments",
    summary: "Remove images that neither a run nor one of the latest versions needs",
    access: DEPLOY,
    reply: prunedReplySchema,
    handle: ({ environment }) => edge.deps.deploys.prune(environment),
  });

async function tellBuild(
  edge: Edge,
  environment: EnvironmentRef,
  request: BuildRequest,
  { send, signal }: BuildStream,
): Promise<void> {
  const progress = {
    step: (step: Extract<BuildEvent, { type: "step" }>["step"], message: string) =>
      send({ type: "step", step, message }),
    log: (line: string) => send({ type: "log", line }),
  };
  const { deployment, isNew, platformMs } = await edge.deps.deploys.build(environment, request, progress, signal);
  send({ type: "done", deployment: deploymentDetail(deployment), isNew, platformMs });
}

function errorEvent(error: AppError): BuildEvent {
  const { remedy } = ERRORS[error.code];
  return { type: "error", error: { code: error.code, message: error.message, remedy } };
}
