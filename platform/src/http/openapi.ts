import { errorReplySchema } from "@gantry/sdk/contract";
import { z } from "zod";
import { ERRORS } from "../errors.ts";
import type { Route } from "./route.ts";

type Json = Record<string, unknown>;

const SCHEMES: Record<Route["access"]["by"], Json[]> = {
  none: [],
  browser: [{ session: [] }],
  identity: [{ bearer: [] }],
  policy: [{ bearer: [] }],
  late: [{ bearer: [] }],
};

/** The OpenAPI 3.1 document of the routes: made from the very schemas that check requests. */
export function openApiDocument(routes: readonly Route[], version: string): Json {
  const schemas: Record<string, Json> = {};
  const paths: Record<string, Json> = {};
  for (const definition of routes) {
    const path = openApiPath(definition.path);
    paths[path] = { ...paths[path], [definition.method]: operation(definition, schemas) };
  }
  jsonSchema(errorReplySchema, "output", schemas);
  const { properties, ...error } = schemas.Error as { properties: Json };
  return {
    openapi: "3.1.0",
    info: {
      title: "Gantry",
      version,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      description:
        "Background tasks on your own machines. Paths and shapes are those of Trigger.dev v4 where it has them, so that its clients work unchanged.",
    },
    paths,
    components: {
      securitySchemes: {
        session: {
          type: "apiKey",
          in: "cookie",
          name: "gantry_session",
          description: "The dashboard's session; requests that change something also carry the header x-gantry-csrf.",
        },
        bearer: {
          type: "http",
          scheme: "bearer",
          description: "A key of an environment, a public access token, or a personal access token.",
        },
      },
      schemas: { ...schemas, Error: { ...error, properties: { ...properties, code: { enum: Object.keys(ERRORS) } } } },
      responses: {
        Error: {
          description: "What went wrong, by its code.",
          content: jsonContent({ $ref: "#/components/schemas/Error" }),
        },
      },
    },
  };
}

/** Express's `/runs/:runId` and `/realtime/*rest` as OpenAPI's `/runs/{runId}` and `/realtime/{rest}`. */
export function openApiPath(path: string): string {
  return path.replaceAll(/[:*](\w+)/g, "{$1}");
}

function operation(definition: Route, schemas: Record<string, Json>): Json {
  const status = String(definition.status ?? 200);
  const { reply } = definition;
  return {
    operationId: operationId(definition),
    tags: [definition.tag],
    summary: definition.summary,
    security: SCHEMES[definition.access.by],
    parameters: [...pathParameters(definition, schemas), ...queryParameters(definition, schemas)],
    ...requestBody(definition, schemas),
    responses: {
      [status]: {
        description: status === "501" ? "Not served yet." : "OK",
        content: "media" in reply ? { [reply.media]: {} } : jsonContent(jsonSchema(reply, "output", schemas)),
      },
      default: { $ref: "#/components/responses/Error" },
    },
  };
}

function jsonContent(schema: Json): Json {
  return { "application/json": { schema } };
}

function operationId({ method, path }: Route): string {
  const words = path.split("/").filter((word) => word !== "" && word !== "api");
  return [method, ...words.map((word) => word.replaceAll(/\W/g, ""))]
    .map((word, index) => (index === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1)))
    .join("");
}

function pathParameters({ path, params }: Route, schemas: Record<string, Json>): Json[] {
  const shape = params?.shape as Record<string, z.ZodType> | undefined;
  return [...path.matchAll(/[:*](\w+)/g)].map(([, name]) => {
    const schema = shape?.[name as string];
    return {
      name,
      in: "path",
      required: true,
      schema: schema === undefined ? { type: "string" } : jsonSchema(schema, "input", schemas),
    };
  });
}

function queryParameters({ query }: Route, schemas: Record<string, Json>): Json[] {
  if (!(query instanceof z.ZodObject)) return [];
  return Object.entries(query.shape as Record<string, z.ZodType>).map(([name, schema]) => {
    const { description, ...type } = jsonSchema(schema, "input", schemas);
    const required = !schema.safeParse(undefined).success;
    return { name, in: "query", required, schema: type, ...(description === undefined ? {} : { description }) };
  });
}

function requestBody({ body }: Route, schemas: Record<string, Json>): Json {
  if (body === undefined) return {};
  if ("stream" in body) {
    const content = body.schema === undefined ? {} : { schema: jsonSchema(body.schema, "input", schemas) };
    return { requestBody: { required: true, content: { [body.stream]: content } } };
  }
  const required = !body.schema.safeParse({}).success;
  return { requestBody: { required, content: jsonContent(jsonSchema(body.schema, "input", schemas)) } };
}

/** Schemas that have an id are put into `schemas` and referred to. What zod cannot say in JSON Schema is left open. */
function jsonSchema(schema: z.ZodType, io: "input" | "output", schemas: Record<string, Json>): Json {
  const made = z.toJSONSchema(schema, {
    io,
    target: "draft-2020-12",
    unrepresentable: "any",
    reused: "inline",
    cycles: "ref",
  });
  const {
    $schema: _,
    $defs,
    ...rest
  } = JSON.parse(JSON.stringify(made).replaceAll('"#/$defs/', '"#/components/schemas/')) as Json;
  for (const [id, definition] of Object.entries(($defs ?? {}) as Record<string, Json>)) schemas[id] = definition;
  const { id } = schema.meta() ?? {};
  if (id === undefined || "$ref" in rest) return rest;
  const { id: _id, ...itself } = rest;
  schemas[id] = itself;
  return { $ref: `#/components/schemas/${id}` };
}
