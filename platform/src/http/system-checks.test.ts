import { expect, test } from "vitest";
import { serveHttp } from "../../test/support/served-http.ts";

test("readiness tells what keeps runs off the cluster, and serves on", async () => {
  let problem: string | undefined = 'The platform may not create jobs in the namespace "runs".';
  const { call } = await serveHttp({ clusterProblem: () => problem });
  const ready = () => call("GET", "/readyz", { key: "" });
  expect(await ready()).toMatchObject({ status: 200, body: { checks: { store: "ok", cluster: problem } } });
  problem = undefined;
  expect(await ready()).toMatchObject({ status: 200, body: { checks: { cluster: "ok" } } });
});
