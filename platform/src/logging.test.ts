import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import { createLogger, type Logger } from "./logging.ts";

const KEY = "gt_dev_sk_0123456789abcdefghijABCD";
const JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJydW4ifQ.c2lnbmF0dXJl";

function written(write: (log: Logger) => void): string {
  let text = "";
  write(createLogger({ level: "trace", destination: { write: (line) => void (text += line) } }));
  return text;
}

const secrets: Record<string, (log: Logger) => void> = {
  "a key in a message": (log) => log.info(`refused ${KEY}`),
  "a key as the alias that other clients use": (log) => log.info("refused %s", KEY.replace("gt_", "tr_")),
  "a token in a message": (log) => log.warn(`bad token ${JWT}.`),
  "an access token": (log) => log.info("gt_pat_0123456789abcdefghijABCD"),
  "request headers": (log) =>
    log.info({ request: { headers: { Authorization: `Bearer ${KEY}`, "x-trigger-jwt": JWT } } }, "request"),
  "a header in any case": (log) => log.info({ AUTHORIZATION: "Basic 0123456789abcdefghijABCD" }),
  "a payload": (log) => log.info({ payload: { card: "0123456789abcdefghijABCD" } }),
  "an error's message, stack and cause": (log) => log.error({ err: new Error(`no ${KEY}`, { cause: new Error(JWT) }) }),
  "an error by itself": (log) => log.error(new Error(`no ${KEY}`)),
  "the row that a database's error is about": (log) =>
    log.error({ err: Object.assign(new Error("duplicate"), { detail: `Key (hash)=(${KEY})`, parameters: [KEY] }) }),
  "a database's URL": (log) =>
    log.info({ target: "postgresql://gantry:0123456789abcdefghijABCD@127.0.0.1:5432/gantry" }),
  "the hash of a callback URL": (log) =>
    log.info("POST http://g/api/v1/waitpoints/tokens/waitpoint_01k/callback/1-0123456789abcdefghijABCD"),
  "fields of a child logger": (log) => log.child({ token: JWT, note: KEY }).info("started"),
  "something deep in a list": (log) => log.info({ list: [{ inner: [`x ${KEY} y`] }] }),
};

describe("the log", () => {
  test.each(Object.entries(secrets))("never holds %s", (_sentence, write) => {
    const text = written(write);
    expect(text).not.toBe("");
    expect(text).not.toMatch(/0123456789abcdefghijABCD|c2lnbmF0dXJl/);
  });

  test("keeps what helps", () => {
    const error = Object.assign(new Error("away"), { code: "ECONNREFUSED" });
    const line = JSON.parse(
      written((log) => log.error({ runId: "run_1", durationMs: 3, err: error }, "could not connect")),
    );
    expect(line).toMatchObject({
      level: "error",
      runId: "run_1",
      durationMs: 3,
      msg: "could not connect",
      err: { code: "ECONNREFUSED", message: "away" },
    });
    expect(Date.parse(line.at)).toBeGreaterThan(0);
  });

  test("survives a cycle", () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    expect(written((log) => log.info({ cycle }))).toContain("[…]");
  });
});

test("the log for people is one line each, and as free of secrets", () => {
  let text = "";
  const destination = { write: (line: string) => void (text += line) };
  createLogger({ level: "info", format: "pretty", destination }).warn({ runId: "run_1" }, `refused ${KEY}`);
  expect(stripVTControlCharacters(text)).toMatch(
    /^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: refused \[redacted\]\n {4}runId: "run_1"\n$/,
  );
});
