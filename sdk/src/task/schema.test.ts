import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { runTask } from "../testing/run-task.ts";
import { schemaTask } from "./define-task.ts";
import { jsonSchemaOf, payloadParser, type TaskSchema } from "./schema.ts";

/** `{ count: string or number that becomes a number, at?: Date }` in each library. */
const libraries: Record<string, TaskSchema> = {
  zod: z.object({ count: z.coerce.number() }),
  "zod, asynchronous": z.object({ count: z.coerce.number() }).refine(async ({ count }) => count > 0),
  valibot: v.object({ count: v.pipe(v.string(), v.transform(Number), v.number()) }),
  arktype: type({ count: "string.numeric.parse" }),
  "a function": (input: unknown) => {
    const { count } = input as { count: unknown };
    if (Number.isNaN(Number(count))) throw new Error("count: not a number");
    return { count: Number(count) };
  },
  "an object with parse": { parse: (input: unknown) => ({ count: count(input) }) },
  "superstruct's create": { create: (input: unknown) => ({ count: count(input) }) },
  "yup's validateSync": { validateSync: (input: unknown) => ({ count: count(input) }) },
};

function count(input: unknown): number {
  const value = Number((input as { count?: unknown }).count);
  if (Number.isNaN(value)) throw new Error("count: not a number");
  return value;
}

describe("a payload schema", () => {
  for (const [library, schema] of Object.entries(libraries)) {
    const counting = schemaTask({ id: "counting", schema, run: async (payload: { count: number }) => payload.count });

    it(`of ${library} converts the payload before the function sees it`, async () => {
      expect((await runTask(counting, { count: "5" } as never)).output).toBe(5);
    });

    it(`of ${library} refuses what does not fit, and says where`, async () => {
      const { error } = await runTask(counting, { count: "five" } as never);
      expect(error).toMatchObject({
        name: "TaskPayloadParsedError",
        message: expect.stringMatching(/count|Invalid|NaN/),
      });
    });
  }

  it("that is none is refused where the task is defined", () => {
    expect(() => payloadParser({} as never)).toThrow("This schema has no validator");
  });

  it("is optional", async () => {
    const open = schemaTask({ id: "open", run: async (payload) => payload });
    expect((await runTask(open, { any: 1 })).output).toEqual({ any: 1 });
  });
});

describe("the JSON schema of a payload", () => {
  it("comes from zod and arktype", () => {
    const want = { type: "object", properties: { url: { type: "string" } }, required: ["url"] };
    expect(jsonSchemaOf(z.object({ url: z.string() }))).toMatchObject(want);
    expect(jsonSchemaOf(type({ url: "string" }))).toMatchObject(want);
  });

  it("is left out where the library cannot tell, or the schema has no JSON form", () => {
    expect(jsonSchemaOf(v.object({ url: v.string() }))).toBeUndefined();
    expect(jsonSchemaOf(z.object({ at: z.date() }))).toBeUndefined();
    expect(jsonSchemaOf(() => 1)).toBeUndefined();
    expect(jsonSchemaOf(undefined)).toBeUndefined();
  });
});
