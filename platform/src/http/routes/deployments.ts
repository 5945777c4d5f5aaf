import {
  deploymentDetailSchema,
  deploymentListQuerySchema,
  deploymentListReplySchema,
  promoteReplySchema,
  registerDeploymentBodySchema,
  text,
} from "@gantry/sdk/contract";
import { z } from "zod";
import type { DeploymentInfo } from "../../deployments/deployment-service.ts";
import { AppError } from "../../errors.ts";
import type { Edge } from "../edge.ts";
import { type Route, route } from "../route.ts";
import { deploymentDetail as detail, deploymentView as view } from "./deployment-view.ts";
import { refuseManifest } from "./manifest-check.ts";

const READ = { by: "policy", action: "read", kind: "deployments" } as const;
const DEPLOY = { by: "policy", action: "deploy", kind: "deployments" } as const;

export function deploymentRoutes(edge: Edge): Route[] {
  return [registerVersion, listVersions, currentVersion, latestVersion, retrieveVersion, promoteVersion].map((make) =>
    make(edge),
  );
}

const registerVersion = (edge: Edge) =>
  route({
    method: "post",
    path: "/api/v1/deployments",
    tag: "deployments",
    summary: "Register a version: its tasks, its queues, and where its code is",
    access: DEPLOY,
    body: { schema: registerDeploymentBodySchema, limit: { bytes: 32 * 1024 * 1024, name: "manifestBytes" } },
    reply: deploymentDetailSchema,
    status: 201,
    async handle({ body, environment }) {
      refuseManifest(body.manifest);
      await edge.deps.deploys.verifySource(environment, body.source);
      const { contentHash, ...deployment } = body;
      return detail(
        await edge.deps.deployments.register(environment, {
          ...deployment,
          ...(contentHash === undefined ? {} : { contentHash }),
        }),
      );
    },
  });

const listVersions = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v1/deployments",
    tag: "deployments",
    summary: "List versions, newest first",
    access: READ,
    query: deploymentListQuerySchema,
    reply: deploymentListReplySchema,
    async handle({ query, environment }) {
      for (const name of ["from", "to", "period"] as const) {
        if (query[name] !== undefined)
          throw new AppError("UNSUPPORTED_OPTION", `The filter \`${name}\` is not supported yet.`, {
            details: { option: name },
          });
      }
      const { "page[size]": size, "page[after]": after, status } = query;
      const page = await edge.deps.deployments.list(environment, { size, ...(after === undefined ? {} : { after }) });
      const wanted = page.deployments.filter((deployment) => status === undefined || deployment.status === status);
      return { data: wanted.map(view), pagination: { next: page.next } };
    },
  });

const currentVersion = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v1/deployments/current",
    tag: "deployments",
    summary: "The version that new runs get",
    access: READ,
    reply: deploymentDetailSchema,
    handle: async ({ environment }) =>
      detail(found(await edge.deps.deployments.current(environment), "The environment has no current version.")),
  });

const latestVersion = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v1/deployments/latest",
    tag: "deployments",
    summary: "The newest version, current or not",
    access: READ,
    reply: deploymentDetailSchema,
    async handle({ environment }) {
      const { deployments: newest } = await edge.deps.deployments.list(environment, { size: 1 });
      return detail(found(newest[0], "The environment has no version."));
    },
  });

const retrieveVersion = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v1/deployments/:deployment",
    tag: "deployments",
    summary: "Retrieve a version by its id or its number",
    access: READ,
    params: z.object({ deployment: text(64, 1) }),
    reply: deploymentDetailSchema,
    async handle({ params, environment }) {
      return detail(
        found(
          await edge.deps.deployments.retrieve(environment, params.deployment),
          `There is no version "${params.deployment}".`,
        ),
      );
    },
  });

const promoteVersion = (edge: Edge) =>
  route({
    method: "post",
    path: "/api/v1/deployments/:version/promote",
    tag: "deployments",
    summary: "Make a version current",
    access: DEPLOY,
    params: z.object({ version: text(64, 1) }),
    reply: promoteReplySchema,
    async handle({ params, environment }) {
      found(
        await edge.deps.deployments.retrieve(environment, params.version),
        `There is no version "${params.version}".`,
      );
      const { id, version, shortCode } = view(await edge.deps.deployments.promote(environment, params.version));
      return { id, version, shortCode };
    },
  });

function found(deployment: DeploymentInfo | undefined, message: string): DeploymentInfo {
  if (deployment === undefined) throw new AppError("DEPLOYMENT_NOT_FOUND", message);
  return deployment;
}
