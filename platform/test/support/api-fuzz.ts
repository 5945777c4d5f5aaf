import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { type Answer, caller } from "./served-http.ts";

type Json = Record<string, unknown>;
interface Operation {
  method: string;
  path: string;
  parameters: { name: string; in: "path" | "query"; required: boolean; schema: Json }[];
  body: { type: string; schema: Json } | undefined;
}

/** Made by the requests themselves, they would change what the others meet. */
const LEFT_OUT = /\/(?:environment|limits|keys)(?:\/|$)|force-fail/;

/**
 * Requests made from the API's own OpenAPI document: whole ones, broken ones, and noise in every place. Whatever comes, the
 * answer is never a 5xx (but a 501 that says so), and every refusal has its code.
 */
export function describeFuzz(start: () => Promise<{ url: string; key: string }>, runs = 40): void {
  describe("the API never fails, whatever it is sent", () => {
    let call: ReturnType<typeof caller>;
    let operations: Operation[] = [];
    let ids: Record<string, string> = {};
    beforeAll(async () => {
      const { url, key } = await start();
      const asked = caller(url);
      call = (method, path, options) => asked(method, path, { key, ...options });
      operations = operationsOf((await call("GET", "/api/openapi.json")).body as Json);
      const { body: run } = await call("POST", "/api/v1/tasks/import/trigger", { body: {} });
      const { body: batch } = await call("POST", "/api/v3/batches", { body: { runCount: 3 } });
      const { body: token } = await call("POST", "/api/v1/waitpoints/tokens", { body: {} });
      const hash = new URL(String(token.url)).pathname.split("/").at(-1) ?? "";
      const waitpointId = String(token.id);
      ids = { waitpointId, hash, runId: String(run.id), batchId: String(batch.id), taskId: "import", queue: "import" };
    });

    test("requests by the schemas, and with anything in any place", { timeout: 120_000 }, async () => {
      for (const operation of operations) {
        await fc.assert(
          fc.asyncProperty(requestTo(operation, ids), async ({ path, body }) => {
            const isStream = operation.body !== undefined && operation.body.type !== "application/json";
            const answer = await call(operation.method.toUpperCase(), path, {
              ...(body === undefined ? {} : { body: isStream ? String(body) : JSON.stringify(body) }),
              ...(isStream ? { headers: { "content-type": operation.body?.type ?? "" } } : {}),
            });
            expectSound(answer, `${operation.method} ${path} ${JSON.stringify(body)?.slice(0, 500)}`);
          }),
          { numRuns: runs },
        );
      }
    });

    test("noise for a body", async () => {
      const targets = operations.filter(({ body }) => body !== undefined);
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...targets), fc.uint8Array({ maxLength: 300 }), async (operation, bytes) => {
          const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? "x");
          const answer = await call(operation.method.toUpperCase(), path, { body: bytes });
          expectSound(answer, `${operation.method} ${path} ${Buffer.from(bytes).toString("hex")}`);
        }),
        { numRuns: runs * 5 },
      );
    });
  });
}

function expectSound(answer: Answer, what: string): void {
  const isFine = answer.status < 500 || (answer.status === 501 && answer.body.code === "NOT_IMPLEMENTED");
  expect(isFine ? "" : `${what} → ${answer.status} ${JSON.stringify(answer.body)}`).toBe("");
  if (answer.status >= 400) expect([what, answer.body.code]).toEqual([what, expect.stringMatching(/^[A-Z_]+$/)]);
}

/** Named schemas of the document under test. */
let named: Record<string, Json> = {};

function operationsOf(document: Json): Operation[] {
  named = (document.components as { schemas: Record<string, Json> }).schemas;
  const all: Operation[] = [];
  for (const [path, methods] of Object.entries(document.paths as Record<string, Record<string, Json>>)) {
    if (LEFT_OUT.test(path)) continue;
    for (const [method, operation] of Object.entries(methods)) {
      const [content] = Object.entries(
        ((operation.requestBody as Json | undefined)?.content ?? {}) as Record<string, { schema?: Json }>,
      );
      all.push({
        method,
        path,
        parameters: operation.parameters as Operation["parameters"],
        body: content && { type: content[0], schema: content[1].schema ?? {} },
      });
    }
  }
  return all;
}

function requestTo(operation: Operation, ids: Record<string, string>): fc.Arbitrary<{ path: string; body: unknown }> {
  const inPath = operation.parameters.filter((parameter) => parameter.in === "path");
  const inQuery = operation.parameters.filter((parameter) => parameter.in === "query");
  const segment = (name: string) =>
    fc.oneof(
      { weight: 4, arbitrary: fc.constant(ids[name] ?? "x") },
      awkwardText.filter((text) => text !== "" && text !== "." && text !== ".."),
    );
  const path = fc.record(Object.fromEntries(inPath.map(({ name }) => [name, segment(name)])));
  const query = fc.record(Object.fromEntries(inQuery.map(({ name, schema }) => [name, valueFor(schema, 0)])), {
    requiredKeys: [],
  });
  const body =
    operation.body === undefined
      ? fc.constant(undefined)
      : operation.body.type === "application/json"
        ? mutated(operation.body.schema)
        : lines(operation.body.schema);
  return fc.record({ path, query, body }).map((request) => ({
    path:
      operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
        encodeURIComponent(wellFormed(String((request.path as Json)[name]))),
      ) + search(request.query as Json),
    body: request.body,
  }));
}

function search(query: Json): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    params.set(name, typeof value === "string" ? value : JSON.stringify(value));
  return params.size === 0 ? "" : `?${params}`;
}

const wellFormed = (text: string) => text.replaceAll(/[\ud800-\udfff]/g, "?");
const awkwardText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom(
    "",
    "\0",
    "a\0b",
    "__proto__",
    "constructor",
    "../../etc/passwd",
    "' or 1=1 --",
    "\u{1f600}",
    "\ud800",
    "1e999",
    "-1",
    "null",
    "x".repeat(3000),
    "9".repeat(30),
    "run_",
    "2026-99-99",
    "0s",
    "%",
  ),
);
const anything = fc.oneof(
  { depthSize: "small" },
  awkwardText,
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(null, -0, 1e308, -1, 2 ** 53, [], {}, [[]], { "": 0 }),
);

/** What the schema asks for, with one place in it, sometimes, replaced by something else or given a stranger beside it. */
function mutated(schema: Json): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 6, arbitrary: valueFor(schema, 0) },
    { weight: 1, arbitrary: anything },
    {
      weight: 1,
      arbitrary: fc
        .tuple(valueFor(schema, 0), awkwardText, anything)
        .map(([value, key, stranger]) => (isObject(value) ? { ...value, [key]: stranger } : stranger)),
    },
  );
}

const lines = (schema: Json) =>
  fc
    .array(fc.oneof({ weight: 5, arbitrary: mutated(schema).map((value) => JSON.stringify(value)) }, awkwardText), {
      maxLength: 5,
    })
    .map((all) => all.join("\n"));

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Values for a JSON schema: mostly such as it asks for, one in eight something else. */
function valueFor(schema: Json, depth: number): fc.Arbitrary<unknown> {
  const right = rightFor(schema, depth);
  return depth > 4 ? right : fc.oneof({ weight: 7, arbitrary: right }, { weight: 1, arbitrary: anything });
}

function rightFor(schema: Json, depth: number): fc.Arbitrary<unknown> {
  if (typeof schema.$ref === "string") return rightFor(named[schema.$ref.split("/").at(-1) ?? ""] ?? {}, depth);
  if ("const" in schema) return fc.constant(schema.const);
  if (Array.isArray(schema.enum)) return fc.constantFrom(...(schema.enum as unknown[]));
  const options = (schema.anyOf ?? schema.oneOf) as Json[] | undefined;
  if (options !== undefined) return fc.oneof(...options.map((option) => valueFor(option, depth + 1)));
  switch (schema.type) {
    case "string":
      return fc.oneof(
        awkwardText,
        fc.constantFrom("1h", "2w", "import", "20260101.1", "application/json", "task/import", "2026-05-05T00:00:00Z"),
      );
    case "integer":
    case "number":
      return fc.oneof(
        fc.integer({ min: Number(schema.minimum ?? -10), max: Math.min(Number(schema.maximum ?? 1000), 1e9) }),
        fc.constantFrom(0, 1, 2),
      );
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array":
      return fc.array(valueFor((schema.items ?? {}) as Json, depth + 1), { maxLength: depth > 3 ? 1 : 4 });
    case "object":
      return objectFor(schema, depth);
    default:
      return anything;
  }
}

function objectFor(schema: Json, depth: number): fc.Arbitrary<unknown> {
  const properties = (schema.properties ?? {}) as Record<string, Json>;
  if (Object.keys(properties).length === 0) return fc.dictionary(awkwardText, anything, { maxKeys: 4 });
  const required = (schema.required ?? []) as string[];
  return fc.record(
    Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, valueFor(property, depth + 1)])),
    { requiredKeys: required },
  );
}
