import { describe, expect, test } from "vitest";
import { KEY, OTHER_KEY, serveHttp } from "../../test/support/served-http.ts";

const { call, url, engine, lines } = await serveHttp();
const TOKENS = "/api/v1/waitpoints/tokens";

async function newToken(body: unknown = {}) {
  const answer = await call("POST", TOKENS, { body });
  return {
    id: String(answer.body.id),
    url: String(answer.body.url),
    publicToken: String(answer.headers.get("x-trigger-jwt")),
  };
}

async function send(to: string, body: RequestInit["body"], type?: string) {
  const headers = type === undefined ? {} : { "content-type": type };
  const response = await fetch(to, { method: "POST", body: body ?? null, headers });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe("a callback URL", () => {
  const cases: Record<
    string,
    { type?: string; body: string | Uint8Array<ArrayBuffer>; wantOutput?: string; wantType: string }
  > = {
    JSON: { type: "application/json", body: '{"a": 1}', wantOutput: '{"a": 1}', wantType: "application/json" },
    "JSON of a vendor's type": {
      type: "application/cloudevents+json; charset=utf-8",
      body: "[1]",
      wantOutput: "[1]",
      wantType: "application/json",
    },
    "a form": {
      type: "application/x-www-form-urlencoded",
      body: "a=1&b=2&b=3&c",
      wantOutput: '{"a":"1","b":["2","3"],"c":""}',
      wantType: "application/json",
    },
    text: { type: "text/plain", body: "1", wantOutput: "1", wantType: "text/plain" },
    "JSON of no type": {
      type: "application/octet-stream",
      body: '{"a":1}',
      wantOutput: '{"a":1}',
      wantType: "application/json",
    },
    "text of no type": { type: "application/octet-stream", body: "hello", wantOutput: "hello", wantType: "text/plain" },
    nothing: { body: "", wantType: "application/json" },
  };
  test.each(Object.entries(cases))("takes %s as the output", async (_title, { type, body, wantOutput, wantType }) => {
    const token = await newToken();
    expect(await send(token.url, body, type)).toEqual({
      status: 200,
      body: { success: true, status: "COMPLETED", isFirst: true },
    });
    const { body: found } = await call("GET", `${TOKENS}/${token.id}`);
    expect([found.output, found.outputType, found.status]).toEqual([wantOutput, wantType, "COMPLETED"]);
  });

  const refusals: Record<string, { type: string; body: string | Uint8Array<ArrayBuffer>; wantCode: string }> = {
    "JSON that is none": { type: "application/json", body: "{", wantCode: "BAD_JSON" },
    "bytes that are no text": {
      type: "application/octet-stream",
      body: new Uint8Array([0xff, 0xfe]),
      wantCode: "UNSUPPORTED_MEDIA_TYPE",
    },
    files: { type: "multipart/form-data; boundary=x", body: "--x--", wantCode: "UNSUPPORTED_MEDIA_TYPE" },
    "more than 512 KB": { type: "text/plain", body: "x".repeat(512 * 1024 + 1), wantCode: "BODY_TOO_LARGE" },
  };
  test.each(Object.entries(refusals))(
    "refuses %s, and the token goes on waiting",
    async (_title, { type, body, wantCode }) => {
      const token = await newToken();
      expect((await send(token.url, body, type)).body.code).toBe(wantCode);
      expect((await call("GET", `${TOKENS}/${token.id}`)).body.status).toBe("WAITING");
    },
  );

  test("is dead once the token has ended: a sender who tries again hears of success, and changes nothing", async () => {
    const token = await newToken();
    await call("POST", `${TOKENS}/${token.id}/complete`, { body: { data: 1 } });
    expect(await send(token.url, "2", "application/json")).toEqual({
      status: 200,
      body: { success: true, status: "COMPLETED", isFirst: false },
    });
    expect((await call("GET", `${TOKENS}/${token.id}`)).body.output).toBe("1");
  });

  test("that is wrong in one character completes nothing, and its answer names no part of it", async () => {
    const token = await newToken();
    const wrong = token.url.slice(0, -1) + (token.url.endsWith("A") ? "B" : "A");
    const { status, body } = await send(wrong, "1", "application/json");
    expect({ status, code: body.code }).toEqual({ status: 404, code: "TOKEN_NOT_FOUND" });
    expect(JSON.stringify(body)).not.toContain(token.id);
    expect((await call("GET", `${TOKENS}/${token.id}`)).body.status).toBe("WAITING");
  });

  test("is called so often and no oftener", async () => {
    const token = await newToken();
    const statuses = [];
    for (let n = 0; n < 22; n++) statuses.push((await send(token.url, "1", "text/plain")).status);
    expect(statuses.slice(0, 20)).toEqual(Array(20).fill(200));
    expect(statuses.at(-1)).toBe(429);
  });

  test("is in no line of the log, and in no error about another path", async () => {
    const token = await newToken();
    const hash = token.url.split("/").at(-1) as string;
    await send(token.url, "1", "text/plain");
    const { body } = await send(`${token.url}/more`, "1");
    expect(body.code).toBe("NOT_FOUND");
    expect(JSON.stringify(body)).not.toContain(hash);
    expect(JSON.stringify(lines)).not.toContain(hash);
  });
});

describe("who may complete a token", () => {
  const complete = (id: string, key: string) => call("POST", `${TOKENS}/${id}/complete`, { key, body: { data: 1 } });

  test("its public token may, and can neither read it nor complete another", async () => {
    const [mine, another] = [await newToken(), await newToken()];
    expect((await complete(another.id, mine.publicToken)).status).toBe(403);
    expect((await call("GET", `${TOKENS}/${mine.id}`, { key: mine.publicToken })).status).toBe(403);
    expect((await call("GET", TOKENS, { key: mine.publicToken })).status).toBe(403);
    expect((await complete(mine.id, mine.publicToken)).body).toEqual({
      success: true,
      status: "COMPLETED",
      isFirst: true,
    });
  });

  test.each([
    ["full", 200],
    ["trigger", 403],
    ["read", 403],
    ["deploy", 403],
  ] as const)("a key of scope %s gets %i", async (scope, wantStatus) => {
    const environment = engine.keys.get(KEY)?.environment;
    if (environment === undefined) throw new Error("the key is not there");
    const key = engine.addKey(environment, `gt_prod_sk_${scope.padEnd(24, "x")}`, scope);
    expect((await complete((await newToken()).id, key)).status).toBe(wantStatus);
  });

  test("a key of another environment finds nothing", async () => {
    expect((await complete((await newToken()).id, OTHER_KEY)).body.code).toBe("TOKEN_NOT_FOUND");
  });
});

test.each([
  ["a value, as JSON", { data: { a: [1] } }, '{"a":[1]}', "application/json"],
  ["a string, as JSON", { data: "text" }, '"text"', "application/json"],
  ["null", { data: null }, "null", "application/json"],
  ["nothing", {}, undefined, "application/json"],
  [
    "text of superjson",
    { data: '{"json":1}', dataType: "application/super+json" },
    '{"json":1}',
    "application/super+json",
  ],
  ["plain text", { data: "x", dataType: "text/plain" }, "x", "text/plain"],
])("a token is completed with %s", async (_title, body, wantOutput, wantType) => {
  const { id } = await newToken();
  await call("POST", `${TOKENS}/${id}/complete`, { body });
  const { body: found } = await call("GET", `${TOKENS}/${id}`);
  expect([found.output, found.outputType, found.outputIsError]).toEqual([wantOutput, wantType, false]);
});

test("a browser may call the API for a token from any page", async () => {
  const response = await fetch(`${url}${TOKENS}/x/complete`, {
    method: "OPTIONS",
    headers: { origin: "https://app.example", "access-control-request-method": "POST" },
  });
  expect(response.status).toBe(204);
});
