import type { caller } from "./served-http.ts";

export type Call = readonly [method: string, path: string, options?: Parameters<ReturnType<typeof caller>>[2]];
export type BadInputCases = Record<string, { send: Call; wantStatus: number; wantCode: string; wantText?: RegExp }>;

export const TOKENS = "/api/v1/waitpoints/tokens";
const UNKNOWN_TOKEN = `${TOKENS}/waitpoint_00000000000000000000000000`;
const token = (body: unknown): Call => ["POST", TOKENS, { body }];

/** What can be wrong about tokens and journals; see api-bad-input.ts. */
export const TOKEN_CASES: BadInputCases = {
  "a malformed token id": { send: ["GET", `${TOKENS}/run_1`], wantStatus: 400, wantCode: "MALFORMED_ID" },
  "an unknown token": { send: ["GET", UNKNOWN_TOKEN], wantStatus: 404, wantCode: "TOKEN_NOT_FOUND" },
  "a completion of an unknown token": {
    send: ["POST", `${UNKNOWN_TOKEN}/complete`, { body: {} }],
    wantStatus: 404,
    wantCode: "TOKEN_NOT_FOUND",
  },
  "a token's timeout that is none": { send: token({ timeout: "soon" }), wantStatus: 422, wantCode: "INVALID_DELAY" },
  "a token's key that holds no time": {
    send: token({ idempotencyKey: "a", idempotencyKeyTTL: "ever" }),
    wantStatus: 400,
    wantCode: "VALIDATION_FAILED",
    wantText: /idempotencyKeyTTL/,
  },
  "a token's key over its limit": {
    send: token({ idempotencyKey: "x".repeat(2049) }),
    wantStatus: 400,
    wantCode: "VALIDATION_FAILED",
  },
  "a token with too many tags": {
    send: token({ tags: Array.from({ length: 11 }, (_, index) => `t${index}`) }),
    wantStatus: 422,
    wantCode: "TOO_MANY_TAGS",
    wantText: /tagsPerRun is 10/,
  },
  "an unknown field of a token": {
    send: token({ timout: "1h" }),
    wantStatus: 400,
    wantCode: "VALIDATION_FAILED",
    wantText: /did you mean "timeout"/,
  },
  "a completion with an encoding and no text": {
    send: ["POST", `${UNKNOWN_TOKEN}/complete`, { body: { data: { a: 1 }, dataType: "application/super+json" } }],
    wantStatus: 400,
    wantCode: "VALIDATION_FAILED",
    wantText: /must be text/,
  },
  "a completion that is said to be JSON and is not": {
    send: ["POST", `${UNKNOWN_TOKEN}/complete`, { body: { data: "{", dataType: "application/json" } }],
    wantStatus: 400,
    wantCode: "BAD_JSON",
  },
  "a completion over the limit of outputs": {
    send: ["POST", `${UNKNOWN_TOKEN}/complete`, { body: { data: "x".repeat(10 * 1024 * 1024 + 1) } }],
    wantStatus: 413,
    wantCode: "OUTPUT_TOO_LARGE",
    wantText: /outputBytes/,
  },
  "a callback that nobody gave out": {
    send: ["POST", `${UNKNOWN_TOKEN}/callback/1-${"a".repeat(43)}`, { key: "", body: {} }],
    wantStatus: 404,
    wantCode: "TOKEN_NOT_FOUND",
  },
  "a callback by GET": {
    send: ["GET", `${UNKNOWN_TOKEN}/callback/x`, { key: "" }],
    wantStatus: 405,
    wantCode: "METHOD_NOT_ALLOWED",
  },
  "a status that no token has": {
    send: ["GET", `${TOKENS}?filter%5Bstatus%5D=WAITNG`],
    wantStatus: 400,
    wantCode: "VALIDATION_FAILED",
    wantText: /did you mean "WAITING"/,
  },
  "a token's cursor that is none": {
    send: ["GET", `${TOKENS}?page%5Bafter%5D=5`],
    wantStatus: 400,
    wantCode: "MALFORMED_ID",
  },
  "a journal of an unknown run": {
    send: ["GET", "/api/v1/runs/run_00000000000000000000000000/journal"],
    wantStatus: 404,
    wantCode: "RUN_NOT_FOUND",
  },
  "a journal's cursor that is none": {
    send: ["GET", "/api/v1/runs/run_00000000000000000000000000/journal?after=-1"],
    wantStatus: 400,
    wantCode: "VALIDATION_FAILED",
  },
};
