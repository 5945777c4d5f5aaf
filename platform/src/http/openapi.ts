import { errorReplySchema } from "@gantry/sdk/contract";
import { z } from "zod";
import { ERRORS } from "../errors.ts";
import type { Route } from "./route.ts";

type Json = Record<string, unknown>;

const SCHEMES: Record<Route["access"]["by"], Json[]> = {
  none: [],
  identity: [{ bearer: [] }],
  policy: [{ bearer: [] }],
  late: [{ bearer: [] }],
};

/** The OpenAPI 3.1 document of the routes: made from the very schemas that check requests. */
export function openApiDocument(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Json> = {};
  for (const definition of routes) {
    const path = openApiPath(definition.path);
    paths[path] = { ...paths[path], [definition.method]: operation(definition) };
  }
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
        bearer: {
          type: "http",
          scheme: "bearer",
          description: "A key of an environment, a public access token, or a personal access token.",
        },
      },
      schemas: {
        Error: {
          ...jsonSchema(errorReplySchema, "output"),
          properties: { error: { type: "string" }, code: { enum: Object.keys(ERRORS) }, details: { type: "object" } },
        },
      },
      responses: {
        Error: {
          description: "What went wrong, by its code.",
          content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
        },
      },
    },
  };
}

/** Express's `/runs/:runId` and `/realtime/*rest` as OpenAPI's `/runs/{runId}` and `/realtime/{rest}`. */
export function openApiPath(path: string): string {
  return path.replaceAll(/[:*](\w+)/g, "{$1}");
}

function operation(definition: Route): Json {
  const status = String(definition.status ?? 200);
  return {
    operationId: operationId(definition),
    tags: [definition.tag],
    summary: definition.summary,
    security: SCHEMES[definition.access.by],
    parameters: [...pathParameters(definition), ...queryParameters(definition)],
    ...requestBody(definition),
    responses: {
      [status]: {
        description: status === "501" ? "Not served yet." : "OK",
        content:
          "media" in definition.reply
            ? { [definition.reply.media]: {} }
            : { "application/json": { schema: jsonSchema(definition.reply, "output") } },
      },
      default: { $ref: "#/components/responses/Error" },
    },
  };
}

function operationId({ method, path }: Route): string {
  const words = path.split("/").filter((word) => word !== "" && word !== "api");
  return [method, ...words.map((word) => word.replaceAll(/\W/g, ""))]
    .map((word, index) => (index === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1)))
    .join("");
}

function pathParameters({ path, params }: Route): Json[] {
  const shape = params?.shape as Record<string, z.ZodType> | undefined;
  return [...path.matchAll(/[:*](\w+)/g)].map(([, name]) => {
    const schema = shape?.[name as string];
    return {
      name,
      in: "path",
      required: true,
      schema: schema === undefined ? { type: "string" } : jsonSchema(schema, "input"),
    };
  });
}

function queryParameters({ query }: Route): Json[] {
  if (!(query instanceof z.ZodObject)) return [];
  return Object.entries(query.shape as Record<string, z.ZodType>).map(([name, schema]) => {
    const { description, ...type } = jsonSchema(schema, "input");
    return {
      name,
      in: "query",
      required: !schema.safeParse(undefined).success,
      schema: type,
      ...(description === undefined ? {} : { description }),
    };
  });
}

function requestBody({ body }: Route): Json {
  if (body === undefined) return {};
  if ("stream" in body) {
    const schema =
      body.schema === undefined ? {} : { description: "One object a line:", schema: jsonSchema(body.schema, "input") };
    return {
      requestBody: {
        required: true,
        content: { [body.stream]: schema.schema === undefined ? {} : { schema: schema.schema } },
      },
    };
  }
  return {
    requestBody: {
      required: !body.schema.safeParse({}).success,
      content: { "application/json": { schema: jsonSchema(body.schema, "input") } },
    },
  };
}

/** What zod cannot say in JSON Schema (a coercion's input) is left open. */
function jsonSchema(schema: z.ZodType, io: "input" | "output"): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io,
    target: "draft-2020-12",
    unrepresentable: "any",
    reused: "inline",
    cycles: "ref",
  }) as Json;
  return rest;
}
