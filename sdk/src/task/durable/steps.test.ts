import { describe, expect, it } from "vitest";
import { child, DurableTask, token } from "../../../test/support/durable-task.ts";
import { step } from "./step.ts";

const tick = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Lets everything that is under way come to rest. */
export async function rest(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await tick();
}

describe("step.run", () => {
  it("runs once, in whatever process the run goes on", async () => {
    const ran: string[] = [];
    const task = new DurableTask(async () => {
      const first = await step.run("first", () => {
        ran.push("first");
        return { at: new Date(0) };
      });
      const answer = await token("t");
      const second = await step.run("second", () => {
        ran.push("second");
        return "done";
      });
      return `${first.at.getTime()} ${answer} ${second}`;
    });
    const lost = task.execute();
    expect(await task.untilWaiting()).toEqual(["t"]);
    task.journal.crash();
    const outcome = task.result();
    expect(await task.untilWaiting()).toEqual(["t"]);
    task.journal.complete(1, { value: "yes" });
    expect(await outcome).toBe("0 yes done");
    expect(ran).toEqual(["first", "second"]);
    void lost;
  });
});
