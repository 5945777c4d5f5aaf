import { setMaxListeners } from "node:events";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import { livingOf } from "../../../.make/demo/processes.mjs";
import type { JournalEntryReply, JournalReply } from "../../../sdk/src/contract/api/journal.ts";
import type { Effect } from "../../faults/support/fault-project.ts";
import { openStage, type Stage, type StageOptions, stage } from "../../faults/support/stage.ts";
import type { RunView } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";
import { durableFixture } from "./durable-project.ts";
import { Witness } from "./witness.ts";

setMaxListeners(50);

/** A platform with the durable fixture tasks, a server that sees what they do, and the questions these tests ask. */
export class DurableStage {
  readonly here: Stage;
  readonly witness: Witness;

  constructor(here: Stage, witness: Witness) {
    this.here = here;
    this.witness = witness;
  }

  trigger(task: string, payload: object, options?: object): Promise<string> {
    return this.here.api.trigger(task, payload, options);
  }

  waiting(run: string): Promise<RunView> {
    return this.here.api.untilStatus(run, "WAITING");
  }

  completed(run: string, withinMs?: number): Promise<RunView> {
    return this.#ended(run, "COMPLETED", withinMs);
  }

  ended(run: string, status: string, withinMs?: number): Promise<RunView> {
    return this.#ended(run, status, withinMs);
  }

  /** The nth line of that kind that the run wrote. */
  noted(run: string, what: string, nth = 1): Promise<Effect & Record<string, unknown>> {
    return eventually(`"${what}" of ${run}`, async () => (await this.notes(run, what))[nth - 1]);
  }

  async notes(run: string, what: string): Promise<(Effect & Record<string, unknown>)[]> {
    const effects = await this.here.project.effects(run);
    return effects.filter((effect) => effect.what === what) as (Effect & Record<string, unknown>)[];
  }

  async journal(run: string): Promise<JournalEntryReply[]> {
    return (await this.here.api.call<JournalReply>("GET", `/api/v1/runs/${run}/journal`)).entries;
  }

  async token(options: object = {}): Promise<string> {
    return (await this.here.api.call<{ id: string }>("POST", "/api/v1/waitpoints/tokens", options)).id;
  }

  complete(token: string, data: unknown = null): Promise<{ status: string; isFirst: boolean }> {
    return this.here.api.call("POST", `/api/v1/waitpoints/tokens/${token}/complete`, { data });
  }

  cancel(run: string): Promise<unknown> {
    return this.here.api.call("POST", `/api/v2/runs/${run}/cancel`, {});
  }

  async gone(pid: number): Promise<void> {
    await eventually(`the end of process ${pid}`, async () =>
      (await livingOf([pid])).length === 0 ? true : undefined,
    );
  }

  async #ended(run: string, status: string, withinMs?: number): Promise<RunView> {
    const final = /^(COMPLETED|FAILED|CANCELED|CRASHED|SYSTEM_FAILURE|EXPIRED|TIMED_OUT)$/;
    const view = await eventually(
      `the end of ${run}`,
      async () => {
        const now = await this.here.api.run(run);
        return final.test(now.status) ? now : undefined;
      },
      withinMs,
    );
    if (view.status !== status)
      throw new Error(`${run} is ${view.status}, not ${status}: ${JSON.stringify(view.error ?? view.output)}`);
    return view;
  }
}

/** One for a test alone, that may kill what it likes. */
export async function durableStage(options: StageOptions = {}): Promise<DurableStage> {
  const here = await stage({ fixture: durableFixture(), ...options });
  return new DurableStage(here, await Witness.start(onTestFinished));
}

/** One for the tests of a file; they leave it as it is. Call it at the top of the file; `get()` inside of tests. */
export function sharedStage(options: StageOptions = {}): { get(): DurableStage } {
  const ends: (() => void | Promise<void>)[] = [];
  let shared: DurableStage | undefined;
  beforeAll(async () => {
    const { onEnd: _registered, ...here } = await openStage({ fixture: durableFixture(), ...options }, (end) =>
      ends.push(end),
    );
    shared = new DurableStage(here, await Witness.start((end) => ends.push(end)));
  });
  afterAll(async () => {
    for (const end of ends.reverse()) await end();
  });
  return {
    get() {
      if (!shared) throw new Error("the stage is there inside of tests only");
      return shared;
    },
  };
}
