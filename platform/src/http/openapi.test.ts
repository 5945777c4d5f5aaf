import { describe, expect, test } from "vitest";
import { serveHttp } from "../../test/support/served-http.ts";
import { openApiPath } from "./openapi.ts";

const { app, call } = await serveHttp();
interface Document {
  components: { schemas: Record<string, object> };
  paths: Record<
    string,
    Record<string, { operationId: string; parameters: { name: string; in: string }[]; responses: object }>
  >;
}
const document = (await call("GET", "/api/openapi.json", { key: "" })).body as unknown as Document;

/** What Express really serves, whatever the list of routes says. */
function servedRoutes(): [method: string, path: string][] {
  const layers = (
    app as unknown as { router: { stack: { route?: { path: string; methods: Record<string, boolean> } }[] } }
  ).router.stack;
  return layers.flatMap(({ route }) =>
    // What refuses other methods answers to all of them, and is no endpoint.
    route === undefined || Object.keys(route.methods).length > 1
      ? []
      : Object.keys(route.methods)
          .filter((method) => ["get", "post", "put", "delete", "patch"].includes(method))
          .map((method): [string, string] => [method, route.path]),
  );
}

describe("the OpenAPI document", () => {
  test("has every route of the app", () => {
    const served = servedRoutes();
    expect(served.length).toBeGreaterThan(60);
    const missing = served.filter(([method, path]) => document.paths[openApiPath(path)]?.[method] === undefined);
    expect(missing).toEqual([]);
  });

  test("has nothing that the app does not serve", () => {
    const served = new Set(servedRoutes().map(([method, path]) => `${method} ${openApiPath(path)}`));
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(described.filter((each) => !served.has(each))).toEqual([]);
  });

  test("names each operation once, and every parameter of its path", () => {
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.values(methods).map((operation) => ({ path, operation })),
    );
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { path, operation } of operations) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(operation.parameters.filter((parameter) => parameter.in === "path").map(({ name }) => name)).toEqual(
        inPath,
      );
    }
  });

  test("describes a trigger's body by the schema that checks it", () => {
    const { post } = document.paths["/api/v1/tasks/{taskId}/trigger"] as unknown as { post: { requestBody: object } };
    expect(post.requestBody).toMatchObject({
      content: {
        "application/json": {
          schema: {
            additionalProperties: false,
            properties: { options: { $ref: "#/components/schemas/TriggerOptions" } },
          },
        },
      },
    });
    expect(document.components.schemas.TriggerOptions).toMatchObject({
      additionalProperties: false,
      properties: { idempotencyKey: { maxLength: 2048 }, maxAttempts: { maximum: 250 } },
    });
  });

  test("refers to nothing that it lacks", () => {
    const refs = [...JSON.stringify(document).matchAll(/"#\/components\/(\w+)\/([^"]+)"/g)];
    expect(refs.length).toBeGreaterThan(50);
    expect(
      refs.filter(([, kind, name]) => document.components[kind as "schemas"][name as string] === undefined),
    ).toEqual([]);
  });
});
