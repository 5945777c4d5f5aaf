import { describe, expect, test } from "vitest";
import { MasterKey } from "../secrets/master-key.ts";
import { createCredentials } from "./jwt-credentials.ts";

const master = (byte: number) => new MasterKey(Buffer.alloc(32, byte).toString("base64"));
const credentials = createCredentials(master(1));
const run = { environmentId: 1, runId: "run_1", executionId: "execution_1", fence: "4294967297" };
const worker = { workerId: "w1", environmentId: 1, deploymentId: "d1" };

describe("worker credentials", () => {
  test("a token tells what it was issued for, and nothing else", () => {
    expect(credentials.verifyRunToken(credentials.issueRunToken(run))).toEqual(run);
    expect(credentials.verifyWorkerToken(credentials.issueWorkerToken(worker))).toEqual(worker);
    const single = { ...worker, executionId: "execution_1" };
    expect(credentials.verifyWorkerToken(credentials.issueWorkerToken(single))).toEqual(single);
  });

  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const unsigned = `${encode({ alg: "none", typ: "JWT" })}.${encode({ ...run, aud: "gantry:run" })}.`;
  const signed = credentials.issueRunToken(run);
  const forgeries: Record<string, string> = {
    "a token of the other kind": credentials.issueWorkerToken(worker),
    "a token of another installation": createCredentials(master(2)).issueRunToken(run),
    "a token without a signature": unsigned,
    "a token whose signature was changed": signed.slice(0, -4) + (signed.endsWith("AAAA") ? "BBBB" : "AAAA"),
    "a token whose claims were changed": signed
      .split(".")
      .with(1, encode({ ...run, environmentId: 2, aud: "gantry:run" }))
      .join("."),
    "an API key": "gt_dev_sk_0123456789abcdefghijABCD",
    nothing: "",
  };
  test.each(Object.entries(forgeries))("%s is no run token", (_sentence, token) => {
    expect(credentials.verifyRunToken(token)).toBeUndefined();
  });
});
