import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../platform/test/support/free-port.ts";
import { loadAtTheEdge } from "./fetch-only-runtime.ts";
import { InstalledProject } from "./installed-project.ts";

const ROOT = join(import.meta.dirname, "..");
let project: InstalledProject;
/** What `gantry dev` says to put into the app's `.env`. */
let env: { GANTRY_API_URL: string; GANTRY_SECRET_KEY: string };

beforeAll(async () => {
  project = await InstalledProject.install("storefront");
  const cli = "node_modules/@gantry/sdk/dist/cli/main.js";
  const port = String(await freePort());
  let ready: { apiUrl: string; secretKey: string } | undefined;
  await project.start([cli, "dev", "--json", "--port", port], {}, (line) => {
    const event = JSON.parse(line) as { event: string; apiUrl: string; secretKey: string };
    if (event.event === "ready") ready = event;
    if (event.event === "broken") throw new Error(line);
    return event.event === "deployed";
  });
  env = { GANTRY_API_URL: ready?.apiUrl ?? "", GANTRY_SECRET_KEY: ready?.secretKey ?? "" };
}, 240_000);

afterAll(() => project?.remove(), 60_000);

describe("a project that installs the packed packages", () => {
  test("is type-checked against the types in them", async () => {
    await project.run(process.execPath, join(ROOT, "node_modules/typescript/bin/tsc"), "-p", ".");
  }, 60_000);

  test("triggers and watches runs from an Express app in CommonJS", async () => {
    const port = await project.start(["apps/express-app.cjs"], env, (line) => /^\d+$/.test(line));
    const post = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`, { method: "POST" })).json();
    expect(await post("/greet/Ada")).toEqual({ status: "COMPLETED", output: "Hello, Ada!", isDate: true });
    expect(await post("/unknown")).toMatchObject({
      isApiError: true,
      code: "TASK_NOT_FOUND",
      message: expect.stringContaining('Did you mean "greet"?'),
    });
  });

  test("triggers and watches runs from a Hono app where there is fetch and nothing of Node", async () => {
    type App = { app: { request(path: string, init?: RequestInit): Promise<Response> } };
    const { app } = await loadAtTheEdge<App>(project.folder, "apps/hono-app.ts", ["workerd", "worker"], env);
    const { id } = (await (await app.request("/greet/Bo", { method: "POST" })).json()) as { id: string };
    const reply = await app.request(`/runs/${id}`);
    expect(await reply.json()).toEqual({ status: "COMPLETED", text: "Hello, Bo!", tried: 1 });
    expect(await (await app.request("/runs/run_unknown")).json()).toEqual({ code: "MALFORMED_ID" });
  });

  test("triggers from a Next.js edge route and reads the run with the token that goes to the browser", async () => {
    type Route = { POST(request: Request): Promise<Response>; GET(request: Request): Promise<Response> };
    const file = "apps/next/app/api/greet/route.ts";
    const route = await loadAtTheEdge<Route>(project.folder, file, ["edge-light", "worker"], env);
    const url = "http://app.test/api/greet";
    const posted = await route.POST(new Request(url, { method: "POST", body: '{"name":"Cy"}' }));
    const { id, token } = (await posted.json()) as { id: string; token: string };
    const read = await route.GET(new Request(`${url}?${new URLSearchParams({ id, token })}`));
    expect(await read.json()).toEqual({ status: "COMPLETED", text: "Hello, Cy!" });
  });

  test("triggers runs inside a run, with the run's own token", async () => {
    const trigger = ["trigger", "greet-all", "--payload", '{"names":["Di","Ed"]}', "--wait", "--json"];
    const printed = await project.run(process.execPath, "node_modules/@gantry/sdk/dist/cli/main.js", ...trigger);
    const parent = JSON.parse(printed) as { id: string; status: string; output: string[] };
    expect(parent).toMatchObject({
      status: "COMPLETED",
      output: [expect.stringMatching(/^run_/), expect.stringMatching(/^run_/)],
    });
  });
});
