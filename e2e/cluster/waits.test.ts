import { describe, expect, inject, test } from "vitest";
import { using } from "./support/installation.ts";
import { eventually } from "./support/patience.ts";

const { api, jobs, untilPod, untilEvent } = using(inject("gantry"));

const untilNoPod = (runId: string) =>
  eventually(`no pod of ${runId}`, async () => {
    const pods = await jobs.podsOf(runId);
    return pods.every(({ status }) => status.phase === "Succeeded") ? true : undefined;
  });

describe("a run that waits", () => {
  test("for longer than it holds leaves its pod, and goes on in another with what its steps returned", async () => {
    const runId = await api.trigger("naps", { seconds: 45 });
    await api.untilStatus(runId, "WAITING");
    await untilNoPod(runId);
    expect((await api.run(runId)).status).toBe("WAITING");
    const { output } = await api.untilStatus(runId, "COMPLETED");
    const { before, after } = output as { before: string; after: string };
    expect(after).not.toBe(before);
  });

  test("and did something that a replay would repeat keeps its pod, and says which line forces it", async () => {
    const runId = await api.trigger("holds", { seconds: 30 });
    await api.untilStatus(runId, "WAITING");
    await untilEvent(runId, /waits\.ts:\d+/);
    const pod = await untilPod(runId);
    const { output } = await api.untilStatus(runId, "COMPLETED");
    expect(output).toMatchObject({ before: pod.metadata.name, after: pod.metadata.name });
    expect(await jobs.jobsOf(runId)).toHaveLength(1);
  });

  test("in a pod that it must keep ends when that pod is deleted, and names the line", async () => {
    const runId = await api.trigger("holds", { seconds: 600 });
    await api.untilStatus(runId, "WAITING");
    // Until then it is held for a moment only, as any run is.
    await untilEvent(runId, /waits\.ts:\d+/);
    const pod = await untilPod(runId);
    await jobs.run("delete", "pod", pod.metadata.name, "--grace-period=0", "--force");
    const { error } = await api.untilStatus(runId, "SYSTEM_FAILURE");
    expect(error).toMatchObject({ code: "HOLD_LOST", message: expect.stringContaining("waits.ts") });
  });

  test("for a child has no pod meanwhile, and gets the child's result", async () => {
    const runId = await api.trigger("asks", { name: "cluster" });
    const { output } = await api.untilStatus(runId, "COMPLETED");
    const { greeting, pod, own } = output as { greeting: string; pod: string; own: string };
    expect(greeting).toBe("hello cluster");
    expect(own).not.toBe(pod);
  });
});
