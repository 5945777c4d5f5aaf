import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { KubeConfig } from "@kubernetes/client-node";
import { afterEach, beforeEach, expect, test } from "vitest";
import { KubeApi } from "./kube-api.ts";
import { KubeError } from "./kube-error.ts";

let server: Server;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let api: KubeApi;
let asked: { method: string | undefined; url: string | undefined; at: number; authorization: string | undefined }[];
let connections: number;

beforeEach(async () => {
  asked = [];
  connections = 0;
  server = createServer((request, response) => {
    const { method, url, headers } = request;
    asked.push({ method, url, at: performance.now(), authorization: headers.authorization });
    request.resume().on("end", () => answer(request, response));
  });
  server.on("connection", () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  api = new KubeApi(configFor((server.address() as AddressInfo).port), 1000);
});

afterEach(async () => {
  api.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function configFor(port: number): KubeConfig {
  const config = new KubeConfig();
  const cluster = { name: "played", server: `http://127.0.0.1:${port}`, skipTLSVerify: true };
  config.loadFromClusterAndUser(cluster, { name: "platform", token: "secret" });
  return config;
}

const say = (response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}) =>
  void response.writeHead(status, headers).end(JSON.stringify(body));
const refusal = (status: number, reason: string, message: string) => ({
  kind: "Status",
  code: status,
  reason,
  message,
});

test("requests bring the token and share few connections", async () => {
  answer = (_, response) => say(response, 200, { items: [] });
  const query = { labelSelector: "a=b,c", limit: undefined };
  await Promise.all(Array.from({ length: 40 }, () => api.request("GET", "/api/v1/pods", { query })));
  expect(asked[0]).toMatchObject({ url: "/api/v1/pods?labelSelector=a%3Db%2Cc", authorization: "Bearer secret" });
  expect(connections).toBeLessThanOrEqual(16);
});

test("a 429 holds back what was asked too, for as long as it says", async () => {
  let refused = 0;
  answer = (_, response) =>
    refused++ === 0
      ? say(response, 429, refusal(429, "TooManyRequests", "slow down"), { "retry-after": "1" })
      : say(response, 200, {});
  await api.request("POST", "/jobs", { body: {} });
  await api.request("GET", "/pods");
  expect((asked[1]?.at as number) - (asked[0]?.at as number)).toBeGreaterThan(900);
});

test("what is overloaded or restarting is asked again, a few times", async () => {
  answer = (_, response) => say(response, 503, refusal(503, "ServiceUnavailable", "starting"));
  await expect(api.request("GET", "/pods")).rejects.toMatchObject({ status: 503, message: "starting" });
  expect(asked).toHaveLength(4);
});

test("a refusal is told at once, with Kubernetes' own words", async () => {
  answer = (_, response) => say(response, 403, refusal(403, "Forbidden", 'cannot create resource "jobs"'));
  const refused = await api.request("POST", "/jobs", { body: {} }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ status: 403, reason: "Forbidden", message: 'cannot create resource "jobs"' });
  expect(asked).toHaveLength(1);
});

test("a webhook that cannot be called is a refusal, though the API calls it its own fault", async () => {
  answer = (_, response) => say(response, 500, refusal(500, "InternalError", 'failed calling webhook "x"'));
  await expect(api.request("POST", "/jobs", { body: {} })).rejects.toMatchObject({ status: 500, isTransient: false });
});

test("what waits when the platform stops was neither refused nor is it asked", async () => {
  const slow = new KubeApi(configFor((server.address() as AddressInfo).port), 1);
  const first = Promise.withResolvers<void>();
  answer = () => first.resolve();
  const waiting = [slow.request("POST", "/jobs"), slow.request("POST", "/jobs")].map((each) => each.catch((e) => e));
  await first.promise;
  slow.close();
  for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ name: "KubeError", isTransient: true });
  expect(asked).toHaveLength(1);
});

test("an API that is away is named", async () => {
  const away = new KubeApi(configFor(1), 1000);
  const error = await away.request("GET", "/pods").catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(KubeError);
  expect(error).toMatchObject({ status: 0, message: expect.stringContaining("http://127.0.0.1:1 cannot be reached") });
});

test("no more are asked in a second than is allowed, and Jobs are made before others are cleaned up", async () => {
  answer = (_, response) => say(response, 200, {});
  const slow = new KubeApi(api.config, 5);
  const started = performance.now();
  await Promise.all([
    ...Array.from({ length: 7 }, () => slow.request("DELETE", "/jobs/old", { priority: 0 })),
    ...Array.from({ length: 5 }, () => slow.request("POST", "/jobs", { priority: 10 })),
  ]);
  const within = asked.filter(({ at }) => at - started < 900);
  expect(within.length).toBeLessThanOrEqual(5);
  expect(asked.slice(5, 10).map(({ method }) => method)).toEqual(Array(5).fill("POST"));
  slow.close();
});
