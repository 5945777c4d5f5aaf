import type { Grant } from "@gantry/sdk/contract";
import { decodeId } from "../../src/ids.ts";
import { MANIFEST } from "./fake-engine.ts";
import { playWorker } from "./played-worker.ts";
import { startRealPlatform, TASKS } from "./real-platform.ts";
import { type Answer, caller } from "./served-http.ts";

/** A real platform with one played worker, and what tests of trees and waits ask its API again and again. */
export async function durableRuns() {
  const real = await startRealPlatform();
  const { platform, prod, key } = real;
  const current = await platform.engine.deployments.current(prod);
  const deploymentId = decodeId("deployment", current?.id ?? "");
  if (deploymentId === undefined) throw new Error("there is no version");
  const worker = await playWorker(platform, prod.id, deploymentId);
  const call = (method: string, path: string, body?: unknown, as: string = key): Promise<Answer> =>
    caller(real.url)(method, path, { key: as, ...(body === undefined ? {} : { body }) });
  const get = async (path: string) => (await call("GET", path)).body;
  const run = (id: string) => get(`/api/v3/runs/${id}`);

  return {
    ...real,
    worker,
    version: String(current?.version),
    call,
    get,
    run,
    /** By the environment's key, or by a run that triggers a child. */
    trigger: (options: Record<string, unknown> = {}, by?: Grant, task = "import") =>
      call("POST", `/api/v1/tasks/${task}/trigger`, { payload: {}, options }, by?.runToken),
    /** A run that executes, and its grant. */
    async start(by?: Grant, options: Record<string, unknown> = {}): Promise<Grant> {
      const { body } = await this.trigger(options, by);
      return worker.granted(String(body.id));
    },
    /** Resolves once a run has this status. */
    async ended(id: string, status: string): Promise<void> {
      for (let body = await run(id); body.status !== status; body = await run(id)) {
        if (body.isCompleted === true) throw new Error(`${id} ended as ${body.status}, not ${status}`);
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    /** Another version becomes current, with a worker of its own. */
    async promote(tasks: string[] = TASKS) {
      const manifest = {
        ...MANIFEST,
        tasks: tasks.map((id) => ({ id, filePath: `src/${id}.ts`, kind: "STANDARD" as const })),
      };
      const source = { kind: "local" as const, bundleDir: "/b", projectDir: "/p", envFiles: [] };
      const { id, version } = await platform.engine.deployments.register(prod, { manifest, source, promote: true });
      return { version, worker: await playWorker(platform, prod.id, decodeId("deployment", id) as string) };
    },
  };
}
