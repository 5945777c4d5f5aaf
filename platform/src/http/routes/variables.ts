import {
  createVariableBodySchema,
  importVariablesBodySchema,
  okReplySchema,
  REDACTED,
  updateVariableBodySchema,
  type VariableReply,
  variableListReplySchema,
  variablePathSchema,
  variableSchema,
  variablesPathSchema,
} from "@gantry/sdk/contract";
import { AppError } from "../../errors.ts";
import { slugsMeant } from "../../projects/api-key.ts";
import type { EnvironmentRef } from "../../projects/principal.ts";
import type { Variable } from "../../projects/variables-service.ts";
import { decideAccess } from "../access-policy.ts";
import type { Identity } from "../authenticate.ts";
import type { Edge } from "../edge.ts";
import { type Route, route, SMALL_BODY } from "../route.ts";

const PATH = "/api/v1/projects/:projectRef/envvars/:environment";
const access = (action: "read" | "write" | "import") => ({ by: "policy", action, kind: "variables" }) as const;

/** An environment's variables, named by project and environment as in Trigger.dev's API. */
export function variableRoutes(edge: Edge): Route[] {
  return [list, create, upload, retrieve, update, remove].map((make) => make(edge));
}

const list = (edge: Edge) =>
  route({
    method: "get",
    path: PATH,
    tag: "environment variables",
    summary: "List the environment's variables; secrets without their values",
    access: access("read"),
    params: variablesPathSchema,
    reply: variableListReplySchema,
    async handle({ params, identity, res }) {
      const variables = await edge.deps.variables.list(await environmentOf(edge, identity, params));
      res.setHeader("cache-control", "no-store");
      return variables.map((variable) => view(variable, identity));
    },
  });

const create = (edge: Edge) =>
  route({
    method: "post",
    path: PATH,
    tag: "environment variables",
    summary: "Make a variable; the next run has it",
    access: access("write"),
    params: variablesPathSchema,
    body: { schema: createVariableBodySchema, limit: SMALL_BODY },
    reply: okReplySchema,
    async handle({ params, body, identity }) {
      await edge.deps.variables.upload(await environmentOf(edge, identity, params), [body], false);
      return { success: true };
    },
  });

const upload = (edge: Edge) =>
  route({
    method: "post",
    path: `${PATH}/import`,
    tag: "environment variables",
    summary: "Set many variables at once: all or none",
    access: access("import"),
    params: variablesPathSchema,
    body: { schema: importVariablesBodySchema, limit: SMALL_BODY },
    reply: okReplySchema,
    async handle({ params, body, identity }) {
      const { variables, parentVariables = {}, override, isSecret } = body;
      if (Object.keys(parentVariables).length > 0) {
        throw new AppError("UNSUPPORTED_OPTION", "`parentVariables` is not supported: environments have no parents.", {
          details: { option: "parentVariables" },
        });
      }
      const all = Object.entries(variables).map(([name, value]) => ({ name, value, isSecret }));
      await edge.deps.variables.upload(await environmentOf(edge, identity, params), all, override);
      return { success: true };
    },
  });

const retrieve = (edge: Edge) =>
  route({
    method: "get",
    path: `${PATH}/:name`,
    tag: "environment variables",
    summary: "Retrieve a variable; a secret without its value",
    access: access("read"),
    params: variablePathSchema,
    reply: variableSchema,
    async handle({ params, identity, res }) {
      const variable = await edge.deps.variables.retrieve(await environmentOf(edge, identity, params), params.name);
      if (variable === undefined) throw missing(params.name);
      res.setHeader("cache-control", "no-store");
      return view(variable, identity);
    },
  });

const update = (edge: Edge) =>
  route({
    method: "put",
    path: `${PATH}/:name`,
    tag: "environment variables",
    summary: "Change a variable that is there",
    access: access("write"),
    params: variablePathSchema,
    body: { schema: updateVariableBodySchema, limit: SMALL_BODY },
    reply: okReplySchema,
    async handle({ params, body, identity }) {
      const environment = await environmentOf(edge, identity, params);
      const { name } = params;
      if ((await edge.deps.variables.retrieve(environment, name)) === undefined) throw missing(name);
      await edge.deps.variables.upload(environment, [{ name, ...body }], true);
      return { success: true };
    },
  });

const remove = (edge: Edge) =>
  route({
    method: "delete",
    path: `${PATH}/:name`,
    tag: "environment variables",
    summary: "Remove a variable",
    access: access("write"),
    params: variablePathSchema,
    reply: okReplySchema,
    async handle({ params, identity }) {
      const environment = await environmentOf(edge, identity, params);
      if (!(await edge.deps.variables.remove(environment, params.name))) throw missing(params.name);
      return { success: true };
    },
  });

/** The environment of the path: a key's and a run's own, any for a person's token. Errors: NOT_FOUND. */
async function environmentOf(
  edge: Edge,
  { principal, environment }: Identity,
  { projectRef, environment: slug }: { projectRef: string; environment: string },
): Promise<EnvironmentRef> {
  if (principal.kind !== "access") {
    const isOwn =
      environment !== undefined &&
      (projectRef === environment.projectRef || projectRef === environment.projectId) &&
      slugsMeant(slug).includes(environment.slug);
    if (isOwn) return environment;
    throw notThere(projectRef, slug);
  }
  for (const meant of slugsMeant(slug)) {
    const found = await edge.deps.projects.environment(projectRef, meant);
    if (found !== undefined) return found;
  }
  throw notThere(projectRef, slug);
}

/** Who may change a variable may see what it is, unless it is a secret. */
function view({ name, value, isSecret, updatedAt }: Variable, { principal }: Identity): VariableReply {
  const isShown = !isSecret && decideAccess(principal, "write", [{ kind: "variables" }]).allow;
  return { name, value: isShown ? value : REDACTED, isSecret, updatedAt: updatedAt.toISOString() };
}

function missing(name: string): AppError {
  return new AppError("VARIABLE_NOT_FOUND", `The environment has no variable ${JSON.stringify(name.slice(0, 100))}.`);
}

function notThere(projectRef: string, slug: string): AppError {
  return new AppError("NOT_FOUND", `There is no environment "${slug}" in the project "${projectRef}" for this key.`);
}
