import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { KubeConfig } from "@kubernetes/client-node";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freePort } from "../../../test/support/free-port.ts";
import { KubeApi } from "./kube-api.ts";
import { NamespaceWatch } from "./namespace-watch.ts";
import { RunsNamespace } from "./runs-namespace.ts";

const EXECUTION = "gantry-1-0197a3c0-0000-7000-8000-00000000000e";

let server: Server;
let config: KubeConfig;
let api: KubeApi;
let watch: NamespaceWatch;
/** Every request for Jobs, and what watches of them are open. */
let lists: number;
let watches: { resourceVersion: string | null; bookmarks: string | null; stream: ServerResponse }[];
let present: string[];
let version: number;
let seen: string[];
let last: object | undefined;

beforeEach(async () => {
  [lists, watches, present, version, seen] = [0, [], [], 10, []];
  server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://api");
    const isWatch = url.searchParams.get("watch") === "true";
    const isJobs = url.pathname.endsWith("/jobs");
    if (!isWatch) {
      if (isJobs) lists += 1;
      const items = isJobs ? present.map((name) => ({ metadata: { name, resourceVersion: String(version) } })) : [];
      return void response.end(JSON.stringify({ metadata: { resourceVersion: String(version) }, items }));
    }
    response.writeHead(200).flushHeaders();
    if (!isJobs) return undefined;
    const { searchParams } = url;
    watches.push({
      resourceVersion: searchParams.get("resourceVersion"),
      bookmarks: searchParams.get("allowWatchBookmarks"),
      stream: response,
    });
    return undefined;
  });
  // One test closes it and comes back on the same port.
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  config = new KubeConfig();
  const cluster = { name: "played", server: `http://127.0.0.1:${port}`, skipTLSVerify: true };
  config.loadFromClusterAndUser(cluster, { name: "platform" });
  api = new KubeApi(config, 1000);
  watch = new NamespaceWatch(new RunsNamespace(api, "runs", "gantry"), {
    jobSeen(job) {
      seen.push(`seen ${job.metadata.resourceVersion}`);
      last = job;
    },
    jobGone: (job) => seen.push(`gone ${job.metadata.name}`),
    podSeen() {},
    podGone() {},
    eventSeen() {},
    failed: (what) => seen.push(`${what} failed`),
  });
});

afterEach(async () => {
  await watch.stop();
  api.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function opened(count: number) {
  await expect.poll(() => watches.length).toBe(count);
  return watches[count - 1] as (typeof watches)[number];
}

function send({ stream }: { stream: ServerResponse }, type: string, object: object): void {
  stream.write(`${JSON.stringify({ type, object })}\n`);
}

const job = (resourceVersion: string) => ({ kind: "Job", metadata: { name: EXECUTION, resourceVersion } });

test("a watch that was cut goes on from the last bookmark, without another list", async () => {
  await watch.start();
  const first = await opened(1);
  expect(first).toMatchObject({ resourceVersion: "10", bookmarks: "true" });
  send(first, "ADDED", job("11"));
  send(first, "BOOKMARK", { kind: "Job", metadata: { resourceVersion: "42" } });
  await expect.poll(() => seen).toEqual(["seen 11"]);
  first.stream.end();
  expect(await opened(2)).toMatchObject({ resourceVersion: "42" });
  expect(lists).toBe(1);
});

test("where the API has forgotten the place, all is listed anew, and what is missing is gone", async () => {
  present = [EXECUTION];
  await watch.start();
  const first = await opened(1);
  await expect.poll(() => seen).toEqual(["seen 10"]);
  [present, version] = [[], 99];
  send(first, "ERROR", { kind: "Status", code: 410, reason: "Expired" });
  first.stream.end();
  expect(await opened(2)).toMatchObject({ resourceVersion: "99" });
  expect(lists).toBe(2);
  expect(seen).toEqual(["seen 10", `gone ${EXECUTION}`]);
});

test("a connection that breaks is made again", async () => {
  await watch.start();
  (await opened(1)).stream.destroy();
  expect(await opened(2)).toMatchObject({ resourceVersion: "10" });
});

test("an API that is away for a while is watched again when it is back", async () => {
  await watch.start();
  await opened(1);
  const { port } = server.address() as AddressInfo;
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
  // The one that was cut, and tries that nobody answers.
  const failures = () => seen.filter((each) => each === "jobs failed").length;
  await expect.poll(failures).toBeGreaterThanOrEqual(3);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  expect(await opened(2)).toMatchObject({ resourceVersion: "10" });
});

test("a watch without credentials is tried again, and ends nothing", async () => {
  const { applySecurityAuthentication } = config;
  config.applySecurityAuthentication = () => Promise.reject(new Error("the credentials' program failed"));
  await watch.start();
  await expect.poll(() => seen).toContain("jobs failed");
  config.applySecurityAuthentication = applySecurityAuthentication;
  await opened(1);
});

test("only what is read of an object is kept", async () => {
  await watch.start();
  const first = await opened(1);
  send(first, "ADDED", { ...job("12"), spec: { template: { spec: { containers: [{ env: [{ value: "token" }] }] } } } });
  await expect.poll(() => last).toEqual({ metadata: { name: EXECUTION, resourceVersion: "12" } });
});

test("nothing is asked once it has stopped", async () => {
  await watch.start();
  await opened(1);
  await watch.stop();
  (await opened(1)).stream.destroy();
  await new Promise((resolve) => setImmediate(resolve));
  expect(watches).toHaveLength(1);
});
