import { setTimeout as delay } from "node:timers/promises";
import { Client } from "pg";
import { newUuid } from "../../../platform/src/ids.ts";
import type { AdmittedRun, LaneAnnouncement, NewRun } from "../../../platform/src/runs/run-store.ts";
import type { Scene } from "./scene.ts";

const payload = { data: Buffer.from('{"json":{"n":1}}'), type: "application/super+json" };

export function newRun(scene: Scene, key: number): NewRun {
  return {
    id: newUuid(),
    environmentId: scene.environmentId,
    taskId: "bench",
    status: "QUEUED",
    queueId: scene.queueId,
    concurrencyKey: `key-${key}`,
    priorityMs: 0,
    maxAttempts: 3,
    payload,
    depth: 0,
    isTest: false,
    tags: [],
  };
}

export type ExecutingRun = Pick<AdmittedRun, "runId" | "executionId" | "fence">;

/** Ends runs as COMPLETED; returns the lanes to announce. */
export async function finishAll(scene: Scene, runs: ExecutingRun[]): Promise<LaneAnnouncement[]> {
  const finished = await scene.store.finish(
    runs.map(({ runId, executionId, fence }) => ({
      environmentId: scene.environmentId,
      runId,
      execution: { executionId, fence },
      status: "COMPLETED" as const,
      output: payload,
      computeMs: 1,
    })),
  );
  return finished.flatMap(({ announcement }) => announcement ?? []);
}

/** Triggers at a steady rate into lanes chosen at random, until it is stopped; their announcements are collected. */
export class Triggering {
  readonly announcements: LaneAnnouncement[] = [];
  triggered = 0;
  #isStopped = false;
  readonly #done: Promise<void>;

  constructor(scene: Scene, perSecond: number) {
    this.#done = this.#work(scene, perSecond);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#done;
  }

  async #work(scene: Scene, perSecond: number): Promise<void> {
    const everyMs = 20;
    const each = Math.max(1, Math.round((perSecond * everyMs) / 1000));
    while (!this.#isStopped) {
      const key = () => 1 + Math.floor(Math.random() * scene.shape.lanes);
      const inserted = await scene.store.insert(Array.from({ length: each }, () => newRun(scene, key())));
      this.triggered += inserted.length;
      this.announcements.push(...inserted.flatMap(({ announcement }) => announcement ?? []));
      await delay(everyMs);
    }
  }
}

/** A transaction that saw the database as it was: nothing that dies after it can be cleaned up. Ended by `release`. */
export async function holdSnapshot(databaseUrl: string): Promise<{ since: number; release(): Promise<void> }> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query("begin isolation level repeatable read");
  await client.query("select count(*) from pg_class");
  return { since: performance.now(), release: () => client.end() };
}

/** Puts `count` runs into the lanes, evenly, for a backlog that holds nothing else. */
export async function refill(scene: Scene, count: number): Promise<LaneAnnouncement[]> {
  const runs = Array.from({ length: count }, (_, n) => newRun(scene, 1 + (n % scene.shape.lanes)));
  const inserted = await scene.store.insert(runs);
  return inserted.flatMap(({ announcement }) => announcement ?? []);
}
