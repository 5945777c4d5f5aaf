import { describe, expect, test } from "vitest";
import { storeActs } from "../../../test/support/store-acts.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import type { EnvironmentRef } from "../../projects/principal.ts";
import { Announcements } from "../../runs/announcements.ts";
import { createQueueService } from "./queues.ts";

const { pool } = await testDatabase();
const acts = await storeActs(pool);
const environment = { id: acts.at.environmentId } as EnvironmentRef;
const queues = createQueueService(pool, new Announcements(() => {}));

describe("a list of queues", () => {
  test("says of each how much waits and runs, since when, and how much of its rate is used", async () => {
    const queueId = await acts.at.queue({ limit: 1, rate: { limit: 5, periodMs: 60_000 } });
    const inserted = await acts.store.insert([acts.at.run(queueId), acts.at.run(queueId), acts.at.run(queueId)]);
    const announced = inserted.flatMap((run) => run.announcement ?? []);
    expect(await acts.admit(announced)).toHaveLength(1);
    const { queues: listed } = await queues.list(environment, { page: 1, perPage: 25 });
    expect(listed.find(({ id }) => id === `queue_${queueId}`)).toMatchObject({
      queued: 2,
      running: 1,
      oldestQueuedAt: expect.any(Date),
      startsInPeriod: 1,
      pausedAt: null,
    });
    const paused = await queues.setPaused(environment, { type: "id", name: `queue_${queueId}` }, true);
    expect(paused?.pausedAt).toBeInstanceOf(Date);
  });

  test("is paged by name, and knows how many there are", async () => {
    const { queues: all, total } = await queues.list(environment, { page: 1, perPage: 100 });
    const { queues: second } = await queues.list(environment, { page: 2, perPage: 1 });
    expect(total).toBe(all.length);
    expect(second.map(({ id }) => id)).toEqual([all[1]?.id]);
  });
});
