import type { JournalAppend, JournalCompletion } from "@gantry/sdk/contract";
import { DEFAULT_LIMITS } from "@gantry/sdk/contract";
import fc from "fast-check";
import type pg from "pg";
import { describe, expect, test } from "vitest";
import { evenRandom } from "../../../test/support/even-random.ts";
import { announced, done, opened } from "../../../test/support/journal-acts.ts";
import { type EnvironmentFixture, environmentFixture, storeOn } from "../../../test/support/store-fixture.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import { encodeId, newUuid } from "../../ids.ts";
import type { JournalReply, JournalStore } from "../../journal/journal-store.ts";
import type { AdmittedRun, FinishRequest, LaneAnnouncement, RunStore } from "../../runs/run-store.ts";
import { createPool } from "./pool.ts";
import { createPostgresJournalStore } from "./postgres-journal-store.ts";
import { createWaitpointStore } from "./waitpoints.ts";

const { pool, url } = await testDatabase();
// The database itself refuses what must never be.
await pool.query(`
  create function refuse_twice() returns trigger language plpgsql as $$ begin
    raise exception 'entry % of % was completed twice', old.entry, old.run_id; end $$;
  create trigger refuse_twice before update on journal_entry for each row when (old.completed_at is not null)
    execute function refuse_twice();`);

interface World {
  environmentLimit: number;
  laneLimit: number | null;
  maxHeld: number;
  roots: number;
  /** Waits that a run makes in all. */
  waits: number;
}
const worlds: fc.Arbitrary<World> = fc.record({
  environmentLimit: fc.integer({ min: 1, max: 6 }),
  laneLimit: fc.option(fc.integer({ min: 1, max: 3 }), { nil: null }),
  maxHeld: fc.integer({ min: 1, max: 4 }),
  roots: fc.integer({ min: 1, max: 8 }),
  waits: fc.integer({ min: 1, max: 3 }),
});

describe("runs that wait, wake, are lost and canceled on several connections at once", () => {
  test("end once each, lose no completion, and hold no slot while they wait", async () => {
    await fc.assert(
      fc.asyncProperty(worlds, fc.integer(), (world, seed) => new Drive(world, seed).run()),
      { numRuns: 10 },
    );
  }, 120_000);
});

/** What is known of a run over all of its processes. */
interface Known {
  id: string;
  depth: number;
  waitsLeft: number;
  nextEntry: number;
  /** Entries that its journal has for certain. */
  stored: Set<number>;
  /** Entry → seq, of all completions that any of its processes was told. */
  told: Map<number, number>;
}

class Drive {
  readonly #world: World;
  /** In [0, 1). */
  readonly #random: () => number;
  readonly #announcements: LaneAnnouncement[] = [];
  readonly #runs = new Map<string, Known>();
  readonly #ended = new Map<string, string>();
  /** Processes that are held, by execution: called when they have their slot again, or are gone. */
  readonly #held = new Map<string, (isAlive: boolean) => void>();
  readonly #processes = new Set<Promise<void>>();
  readonly #failures: unknown[] = [];
  #at!: EnvironmentFixture;
  #queue!: number;

  constructor(world: World, seed: number) {
    this.#world = world;
    this.#random = evenRandom(seed);
  }

  #chance(below: number): number {
    return Math.floor(this.#random() * below);
  }
  #happens(probability: number): boolean {
    return this.#random() < probability;
  }
  #isDone = () => this.#failures.length > 0 || this.#ended.size === this.#runs.size;

  async run(): Promise<void> {
    const { environmentLimit, laneLimit, maxHeld, roots } = this.#world;
    this.#at = await environmentFixture(pool, { limit: environmentLimit });
    await pool.query("update environment set limits = jsonb_build_object('maxHeld', $2::int) where id = $1", [
      this.#at.environmentId,
      maxHeld,
    ]);
    this.#queue = await this.#at.queue({ limit: laneLimit });
    for (let n = 0; n < roots; n++) await this.#trigger(storeOn(pool));
    const pools = [0, 1, 2].map(() => createPool({ connectionString: url, max: 4 }));
    try {
      await Promise.all([...pools.map((own) => this.#platform(own)), this.#canceler(), this.#observer()]);
      await Promise.all(this.#processes);
      if (this.#failures.length > 0) throw this.#failures[0];
      await this.#expectNothingLeft();
    } finally {
      await Promise.all(pools.map((own) => own.end()));
    }
  }

  async #trigger(store: RunStore, parent?: Known): Promise<string> {
    const run = this.#at.run(this.#queue, {
      concurrencyKey: `key-${this.#chance(2)}`,
      parentRunId: parent?.id,
      depth: (parent?.depth ?? -1) + 1,
    });
    const waitsLeft = parent === undefined ? this.#world.waits : 1;
    const stored = new Set<number>();
    this.#runs.set(run.id, { id: run.id, depth: run.depth, waitsLeft, nextEntry: 0, stored, told: new Map() });
    for (const { announcement } of await store.insert([run])) this.#announce(announcement);
    return run.id;
  }

  /** Now and then a message is lost. */
  #announce(announcement: LaneAnnouncement | undefined): void {
    if (announcement !== undefined && !this.#happens(0.1)) this.#announcements.push(announcement);
  }

  /** One replica: admission and the wake loop. */
  async #platform(own: pg.Pool): Promise<void> {
    const store = storeOn(own);
    const journals = createPostgresJournalStore(own);
    try {
      while (!this.#isDone()) {
        const { woken } = await journals.wake(1 + this.#chance(20));
        for (const announcement of announced(woken)) this.#announce(announcement);
        const taken = this.#announcements.splice(0);
        const admitted = await store.admit(this.#at.environmentId, 1 + this.#chance(6), taken, this.#at.warm);
        if (admitted === "busy") this.#announcements.push(...taken);
        else for (const run of admitted) this.#start(store, journals, run);
        if (this.#happens(0.1)) {
          const { lanes } = await store.strandedLanes("0", 100_000);
          this.#announcements.push(...lanes.filter((lane) => lane.environmentId === this.#at.environmentId));
          await journals.archive(100);
        }
      }
    } catch (error) {
      this.#failures.push(error);
    }
  }

  #start(store: RunStore, journals: JournalStore, run: AdmittedRun): void {
    if (run.resumes) {
      const resume = this.#held.get(run.executionId);
      this.#held.delete(run.executionId);
      // Its process is lost, and nobody has noticed yet.
      if (resume === undefined) void this.#lose(store, run);
      else resume(true);
      return;
    }
    const process = new Process(this, store, journals, run).live().catch((error: unknown) => {
      this.#failures.push(error);
      for (const release of this.#held.values()) release(false);
    });
    this.#processes.add(process);
  }

  async #canceler(): Promise<void> {
    const store = storeOn(pool);
    for (const { id } of [...this.#runs.values()].filter(() => this.#happens(0.2))) {
      // Some time later.
      for (let n = this.#chance(30); n > 0 && !this.#isDone(); n--) await pool.query("select 1");
      if (this.#ended.has(id)) continue;
      const state = await store.requestCancel(this.#at.environmentId, id, undefined, 60_000);
      if (state.state === "idle") await this.finish(store, { runId: id, execution: undefined, status: "CANCELED" });
    }
  }

  async #observer(): Promise<void> {
    const { environmentLimit, laneLimit } = this.#world;
    while (!this.#isDone()) {
      const { rows } = await pool.query(
        `select 'environment' as over from slot where environment_id = $1 having count(*) > $2
         union all
         select 'lane' from slot where environment_id = $1 group by lane_id having count(*) > $3::int
         union all
         select 'slot of ' || r.status from slot s join run r on r.environment_id = $1 and r.id = s.run_id
         where s.environment_id = $1 and r.status not in ('EXECUTING', 'DEQUEUED')
         union all
         select 'no slot' from run r where r.environment_id = $1 and r.status = 'EXECUTING'
           and not exists (select 1 from slot s where s.run_id = r.id)`,
        [this.#at.environmentId, environmentLimit, laneLimit],
      );
      if (rows.length > 0) this.#failures.push(new Error(JSON.stringify(rows)));
    }
  }

  async #expectNothingLeft(): Promise<void> {
    const journals = createPostgresJournalStore(pool);
    while ((await journals.wake(1000)).isMore);
    while ((await journals.archive(1000)) > 0);
    const { rows } = await pool.query<Record<string, string>>(
      `select (select count(*) from run where environment_id = $1) as live,
         (select count(*) from slot where environment_id = $1) as slots,
         (select count(*) from execution where environment_id = $1) as executions,
         (select count(*) from ready d join lane l on l.id = d.lane_id where l.environment_id = $1) as ready,
         (select count(*) from run_journal where environment_id = $1) as journals,
         (select count(*) from journal_entry where environment_id = $1) as entries,
         (select count(*) from run_wake where environment_id = $1) as wakes,
         (select count(*) from settlement where environment_id = $1) as settlements,
         (select count(*) from run_history where environment_id = $1) as history`,
      [this.#at.environmentId],
    );
    const { history, ...left } = rows[0] ?? {};
    expect(history).toBe(String(this.#runs.size));
    expect(Object.entries(left).filter(([, n]) => n !== "0")).toEqual([]);
    // What is in history is what was told, and nothing that was told is missing.
    const stored = await pool.query<{ run_id: string; entry: number; seq: number | null }>(
      "select run_id, entry, seq from journal_history where environment_id = $1",
      [this.#at.environmentId],
    );
    const seqs = new Map(stored.rows.map((row) => [`${row.run_id}/${row.entry}`, row.seq]));
    for (const { id, told } of this.#runs.values())
      for (const [entry, seq] of told) expect([id, entry, seqs.get(`${id}/${entry}`)]).toEqual([id, entry, seq]);
  }

  // What processes do with it.

  known(runId: string): Known {
    return this.#runs.get(runId) as Known;
  }
  happens(probability: number): boolean {
    return this.#happens(probability);
  }
  announce(announcement: LaneAnnouncement | undefined): void {
    this.#announce(announcement);
  }
  owner(run: AdmittedRun) {
    return { environmentId: this.#at.environmentId, executionId: run.executionId, fence: run.fence };
  }

  async finish(store: RunStore, request: Omit<FinishRequest, "environmentId">): Promise<boolean> {
    const finished = await store.finish([{ environmentId: this.#at.environmentId, ...request }]);
    for (const { runId, announcement } of finished) {
      if (this.#ended.has(runId)) throw new Error(`${runId} ended twice`);
      this.#ended.set(runId, request.status);
      this.#announce(announcement);
    }
    return finished.length === 1;
  }

  async #lose(store: RunStore, run: AdmittedRun): Promise<void> {
    const { environmentId } = this.#at;
    const how = this.#chance(3);
    if (how === 0) {
      const execution = { executionId: run.executionId, fence: run.fence };
      await this.finish(store, { runId: run.runId, execution, status: "SYSTEM_FAILURE", mayBeHeld: true });
      return;
    }
    if (how === 1) {
      const suspended = await store.suspendLost({ ...this.owner(run), runId: run.runId });
      if (suspended !== "fenced") {
        this.#announce(suspended);
        return this.noteCanceled(store, run);
      }
    }
    const back = await store.requeue({
      environmentId,
      runId: run.runId,
      execution: run,
      nextAttempt: run.attempt,
      computeMs: 0,
      lost: true,
      deferred: false,
    });
    if (back === "fenced") return;
    if (back.status === "CANCELED") this.#ended.set(run.runId, "CANCELED");
    this.#announce(back.announcement);
  }
  /** Ended by the store itself, which found no worker that could be told. */
  async noteCanceled(store: RunStore, run: AdmittedRun): Promise<void> {
    const detail = await store.retrieve(this.#at.environmentId, run.runId);
    if (detail?.status === "CANCELED") this.#ended.set(run.runId, "CANCELED");
  }

  lose(store: RunStore, run: AdmittedRun): Promise<void> {
    return this.#lose(store, run);
  }

  /** Undefined: it went on before it was held. */
  held(run: AdmittedRun): Promise<boolean> {
    return new Promise((resolve) => this.#held.set(run.executionId, resolve));
  }
  isHeld(run: AdmittedRun): boolean {
    return this.#held.delete(run.executionId);
  }
  isEnded(runId: string): boolean {
    return this.#ended.has(runId);
  }

  async wait(store: RunStore, known: Known, entry: number): Promise<JournalAppend> {
    if (known.depth === 0 && this.#happens(0.4)) {
      const child = await this.#trigger(store, known);
      return opened(entry, { childRunId: encodeId("run", child) });
    }
    if (this.#happens(0.5)) return opened(entry, { inMs: this.#chance(20) });
    const tokenId = newUuid();
    const tokens = createWaitpointStore(pool);
    await tokens.create(this.#at.environmentId, tokenId, { tags: [] } as never);
    const completing = tokens
      .complete(this.#at.environmentId, tokenId, { data: Buffer.from("1"), type: "application/json" })
      .then(() => undefined);
    this.#processes.add(completing);
    return opened(entry, { tokenId: encodeId("waitpoint", tokenId) });
  }
}

/** A run's task process, as it tells of itself. */
class Process {
  readonly #drive: Drive;
  readonly #store: RunStore;
  readonly #journals: JournalStore;
  readonly #run: AdmittedRun;
  readonly #known: Known;
  #seq = 0;
  /** What this process has seen complete. */
  readonly #complete = new Set<number>();

  constructor(drive: Drive, store: RunStore, journals: JournalStore, run: AdmittedRun) {
    this.#drive = drive;
    this.#store = store;
    this.#journals = journals;
    this.#run = run;
    this.#known = drive.known(run.runId);
  }

  async live(): Promise<void> {
    if (this.#run.hasJournal) await this.#replay();
    while (await this.#goOn());
  }

  async #replay(): Promise<void> {
    const { environmentId } = this.#drive.owner(this.#run);
    const journal = await this.#journals.load(environmentId, this.#run.runId);
    if (journal === undefined) throw new Error("the grant promised a journal");
    const completions = journal.entries.flatMap(({ completion }) => completion ?? []);
    this.#deliver(completions.sort((a, b) => a.seq - b.seq));
    // An append of a process that was lost may have been stored unheard.
    for (const { entry } of journal.entries) this.#known.stored.add(entry);
    this.#known.nextEntry = Math.max(this.#known.nextEntry, ...journal.entries.map(({ entry }) => entry + 1));
  }

  #deliver(completions: JournalCompletion[]): void {
    for (const { entry, seq } of completions) {
      if (seq <= this.#seq) throw new Error(`seq ${seq} came after ${this.#seq}`);
      this.#seq = seq;
      const before = this.#known.told.get(entry);
      if (before !== undefined && before !== seq) throw new Error(`entry ${entry} had seq ${before} and has ${seq}`);
      this.#known.told.set(entry, seq);
      this.#complete.add(entry);
    }
    for (const [entry, seq] of this.#known.told)
      if (seq <= this.#seq && !this.#complete.has(entry)) throw new Error(`entry ${entry} was lost`);
  }

  /** False where this process has ended. */
  async #goOn(): Promise<boolean> {
    if (this.#drive.happens(0.06)) return this.#die();
    if (!this.#isWaiting()) {
      if (this.#known.waitsLeft === 0) return this.#succeed();
      this.#known.waitsLeft--;
      const entries = [
        done(this.#known.nextEntry++),
        await this.#drive.wait(this.#store, this.#known, this.#known.nextEntry++),
      ];
      return this.#append(entries, "RUNNING");
    }
    return this.#park();
  }

  #isWaiting(): boolean {
    return [...this.#known.stored].some((entry) => !this.#complete.has(entry));
  }

  async #die(): Promise<false> {
    await this.#drive.lose(this.#store, this.#run);
    return false;
  }

  async #succeed(): Promise<false> {
    const execution = { executionId: this.#run.executionId, fence: this.#run.fence };
    await this.#drive.finish(this.#store, { runId: this.#run.runId, execution, status: "COMPLETED" });
    return false;
  }

  async #append(entries: JournalAppend[], want?: JournalReply["state"]): Promise<boolean> {
    const reply = await this.#journals.append(this.#drive.owner(this.#run), this.#seq, entries, DEFAULT_LIMITS);
    if (reply === "fenced") return false;
    if (want !== undefined && reply.state !== want) throw new Error(`it is ${reply.state}, and has its slot`);
    for (const { entry } of entries) this.#known.stored.add(entry);
    if (reply.state === "RUNNING") this.#deliver(reply.completions);
    return true;
  }

  async #park(): Promise<boolean> {
    const mode = this.#drive.happens(0.5) ? "hold" : "replay";
    // Whoever resumes it may be quicker than the reply.
    const resumed = this.#drive.held(this.#run);
    const reply = await this.#journals.park(
      this.#drive.owner(this.#run),
      {
        attempt: 1,
        known: this.#seq,
        mode,
        reason: "LONG_WAIT",
        computeMs: 1,
        ifLost: { then: "replay" },
      },
      10,
    );
    if (reply === "fenced" || reply.state !== "PARKED") this.#drive.isHeld(this.#run);
    if (reply === "fenced") return false;
    this.#drive.announce(reply.announcement);
    if (reply.state === "RUNNING") {
      if (reply.completions.length === 0) throw new Error("it goes on, and there is nothing new");
      this.#deliver(reply.completions);
      return true;
    }
    if (reply.state === "SUSPENDED") return this.#left();
    return this.#hold(resumed);
  }

  /** One that is to be canceled has ended instead. */
  async #left(): Promise<false> {
    await this.#drive.noteCanceled(this.#store, this.#run);
    return false;
  }

  async #hold(resumed: Promise<boolean>): Promise<boolean> {
    if (this.#drive.happens(0.2) && !(await this.#append([done(this.#known.nextEntry++)]))) return false;
    if (this.#drive.happens(0.2) && this.#drive.isHeld(this.#run)) return this.#die();
    if (!(await resumed)) return false;
    const reply = await this.#journals.append(this.#drive.owner(this.#run), this.#seq, [], DEFAULT_LIMITS);
    if (reply === "fenced") return false;
    if (reply.state !== "RUNNING") throw new Error("it was resumed, and is PARKED");
    this.#deliver(reply.completions);
    return true;
  }
}
