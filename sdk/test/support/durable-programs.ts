/**
 * Random programs over steps, waits and children, and a world that completes what they wait for in a random order and
 * crashes their process at random points.
 */
import fc from "fast-check";
import { step } from "../../src/task/durable/step.ts";
import type { TaskOutcome } from "../../src/task/host.ts";
import { child, DurableTask, token } from "./durable-task.ts";

export type Program =
  | { kind: "step"; fails: boolean }
  | { kind: "flaky" }
  | { kind: "wait" | "child"; fails: boolean }
  | { kind: "sequence" | "all" | "race" | "allSettled" | "nested"; parts: Program[] }
  | { kind: "map"; items: number }
  | { kind: "attempt"; body: Program; compensate: Program }
  | { kind: "timeout"; body: Program }
  | { kind: "branch"; on: Program; then: Program; otherwise: Program };

const anyProgram: fc.Arbitrary<Program> = fc.letrec<{ program: Program; parts: Program[] }>((tie) => ({
  program: fc.oneof(
    { maxDepth: 4, depthSize: "large", withCrossShrink: true },
    fc.record({ kind: fc.constant("step" as const), fails: fc.nat(6).map((n) => n === 0) }),
    fc.constant({ kind: "flaky" as const }),
    fc.record({ kind: fc.constantFrom("wait" as const, "child" as const), fails: fc.nat(6).map((n) => n === 0) }),
    fc.record({ kind: fc.constantFrom("sequence", "all", "race", "allSettled", "nested"), parts: tie("parts") }),
    fc.record({ kind: fc.constant("map" as const), items: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ kind: fc.constant("attempt" as const), body: tie("program"), compensate: tie("program") }),
    fc.record({ kind: fc.constant("timeout" as const), body: tie("program") }),
    fc.record({
      kind: fc.constant("branch" as const),
      on: tie("program"),
      then: tie("program"),
      otherwise: tie("program"),
    }),
  ) as fc.Arbitrary<Program>,
  parts: fc.array(tie("program"), { minLength: 1, maxLength: 4, size: "max" }),
})).program;

export interface Pass {
  attempt: number;
  trace: string[];
  /** Its process is gone: what it still does is seen by nobody. */
  isLost: boolean;
  /** What is left of it, such as the losers of a race, changes nothing. */
  hasEnded: boolean;
}

/** Most have several parts. */
export const programs: fc.Arbitrary<Program> = fc.oneof(
  { arbitrary: anyProgram, weight: 1 },
  {
    arbitrary: fc.record({
      kind: fc.constantFrom("sequence", "all", "race", "allSettled"),
      parts: fc.array(anyProgram, { minLength: 2, maxLength: 5, size: "max" }),
    }),
    weight: 3,
  },
);

/** What a program does, one process after another. */
export class World {
  readonly task: DurableTask;
  /** What each pass of each attempt saw, in order. */
  readonly passes: Pass[] = [];
  readonly faults: string[] = [];
  readonly #program: Program;
  readonly #random: () => number;
  readonly #executed = new Map<string, number>();
  readonly #onceKeys = new Map<string, string>();
  #pending: { name: string; finish: () => void }[] = [];
  #appends: (() => void)[] = [];
  #crashesLeft: number;

  constructor(program: Program, seed: number, crashes: number) {
    this.#program = program;
    this.#random = randomOf(seed);
    this.#crashesLeft = crashes;
    this.task = new DurableTask(() => undefined, { maxAttempts: 5 });
    this.task.journal.beforeStore = () => {
      if (this.#random() < 0.5) return undefined;
      return new Promise<void>((resolve) => this.#appends.push(resolve));
    };
  }

  /** Runs it to its end; gives its output or its error. */
  async run(): Promise<string> {
    for (let attempt = 1; ; ) {
      const outcome = await this.#pass(attempt);
      if (outcome === "crashed") continue;
      if (outcome.kind !== "failed") return outcome.kind === "completed" ? String(outcome.output) : outcome.kind;
      const isFinal = !outcome.reopen?.length || outcome.retry.by === "never" || attempt === 5;
      if (isFinal) return `failed: ${outcome.error.message}`;
      this.task.journal.reopen(outcome.reopen ?? []);
      attempt += 1;
    }
  }

  /** The same process again over the whole journal: what it sees. */
  async replay(): Promise<string[]> {
    this.#crashesLeft = 0;
    const { attempt } = this.passes.at(-1) ?? { attempt: 1 };
    await this.#pass(attempt);
    return this.passes.at(-1)?.trace ?? [];
  }

  async #pass(attempt: number): Promise<TaskOutcome | "crashed"> {
    this.#pending = [];
    this.#appends = [];
    const pass: Pass = { attempt, trace: [], isLost: false, hasEnded: false };
    this.passes.push(pass);
    this.task.run = () => this.#evaluate(this.#program, "p", pass).finally(() => (pass.hasEnded = true));
    const ended: TaskOutcome[] = [];
    void this.task.execute(attempt).then((outcome) => ended.push(outcome));
    for (let idle = 0; ; ) {
      const turns = Math.floor(this.#random() * 4);
      for (let turn = 0; turn < turns; turn++) await tick();
      if (ended[0]) return ended[0];
      if (this.#crashesLeft > 0 && this.#random() < 0.08) return this.#crash(pass);
      if (this.#act()) idle = 0;
      else if (idle++ > 2_000) throw new Error(`Stuck: ${JSON.stringify(this.task.journal.openWaits())}`);
      else await tick();
    }
  }

  #crash(pass: Pass): "crashed" {
    pass.isLost = true;
    this.#crashesLeft -= 1;
    this.task.journal.crash();
    return "crashed";
  }

  /** Lets one thing go on; false where there is nothing. */
  #act(): boolean {
    const waits = this.task.journal.openWaits();
    const choices = this.#pending.length + waits.length + (this.#appends.length > 0 ? 1 : 0);
    if (choices === 0) return false;
    const choice = Math.floor(this.#random() * choices);
    const step = this.#pending[choice];
    const wait = waits[choice - this.#pending.length];
    if (step) {
      this.#pending.splice(choice, 1);
      step.finish();
    } else if (wait) {
      const fails = wait.label.endsWith("!");
      const error = { name: "Error", message: `${wait.label} failed` };
      this.task.journal.complete(wait.entry, fails ? { error } : { value: `${wait.label} answered` });
    } else {
      this.#appends.shift()?.();
    }
    return true;
  }

  async #evaluate(program: Program, path: string, pass: Pass): Promise<string> {
    const result = await this.#parts(program, path, pass);
    note(pass, `${path} = ${result}`);
    return result;
  }

  async #parts(program: Program, path: string, pass: Pass): Promise<string> {
    const part = (inner: Program, name: string) => this.#evaluate(inner, `${path}.${name}`, pass);
    const each = (parts: Program[]) => parts.map((inner, index) => part(inner, String(index)));
    switch (program.kind) {
      case "step":
      case "flaky":
      case "wait":
      case "child":
        return this.#call(program, path, pass);
      case "sequence": {
        const results: string[] = [];
        for (const [index, inner] of program.parts.entries()) results.push(await part(inner, String(index)));
        return results.join(" ");
      }
      case "nested":
        return this.#nested(program.parts, path, pass);
      case "all":
        return (await Promise.all(each(program.parts))).join(" ");
      case "race":
        return Promise.race(each(program.parts));
      case "allSettled":
        return (await Promise.allSettled(each(program.parts))).map(({ status }) => status).join(" ");
      case "map":
        return (await Promise.all(Array.from({ length: program.items }, (_, i) => this.#item(i, path, pass)))).join(
          " ",
        );
      case "attempt":
        return part(program.body, "body").catch(async (error: Error) => {
          note(pass, `${path} caught ${error.message}`);
          return part(program.compensate, "compensate");
        });
      case "timeout":
        return Promise.race([part(program.body, "body"), part({ kind: "wait", fails: false }, "limit")]);
      case "branch":
        return part(...chosen(program, await part(program.on, "on")));
    }
  }

  async #call(program: Program & { kind: "step" | "flaky" | "wait" | "child" }, path: string, pass: Pass) {
    switch (program.kind) {
      case "step":
        return step.run(path, () => this.#body(pass, path, program.fails));
      case "flaky":
        return step.run(path, () => this.#body(pass, path, !this.#executed.has(path)));
      case "wait":
        return String(await token(program.fails ? `${path}!` : path));
      case "child":
        await this.#prepare();
        return String(await child(program.fails ? `${path}!` : path, (key) => this.#trigger(pass, path, key)));
    }
  }

  /** An async function of the user's own, with plain promises of its own between the calls. */
  async #nested(parts: Program[], path: string, pass: Pass): Promise<string> {
    const results: string[] = [];
    for (const [index, inner] of parts.entries()) {
      await Promise.resolve();
      results.push(await this.#evaluate(inner, `${path}.${index}`, pass).then((result) => `nested ${result}`));
    }
    return results.join(" ");
  }

  async #item(index: number, path: string, pass: Pass): Promise<string> {
    const key = `${path}.item${index}`;
    await step.run(key, () => this.#body(pass, key, false));
    await this.#prepare();
    const result = String(await child(`${key}.child`, (onceKey) => this.#trigger(pass, `${key}.child`, onceKey)));
    if (result !== `${key}.child answered`) this.faults.push(`${key} got ${result}`);
    return result;
  }

  /** What a call does before it is made takes another time in each process: hashing its payload, say. */
  async #prepare(): Promise<void> {
    for (let turns = Math.floor(this.#random() * 4); turns > 0; turns--) await tick();
  }

  #body(pass: Pass, name: string, fails: boolean): Promise<string> {
    if (pass.isLost) return new Promise(() => {});
    const isRecorded = [...this.task.journal.records.values()].some(({ key, kind }) => kind === "step" && key === name);
    if (isRecorded) this.faults.push(`${name} was recorded and ran again`);
    this.#executed.set(name, (this.#executed.get(name) ?? 0) + 1);
    return new Promise((resolve, reject) => {
      const finish = () => (fails ? reject(new Error(`${name} failed`)) : resolve(`${name} done`));
      this.#pending.push({ name, finish });
    });
  }

  #trigger(pass: Pass, name: string, onceKey: string): string | Promise<string> {
    if (pass.isLost) return new Promise(() => {});
    const known = this.#onceKeys.get(name);
    if (known !== undefined && known !== onceKey) this.faults.push(`${name} was triggered as ${known} and ${onceKey}`);
    this.#onceKeys.set(name, onceKey);
    return `run_${name}`;
  }
}

function chosen(program: Program & { kind: "branch" }, result: string): [Program, string] {
  return result.length % 2 === 0 ? [program.then, "then"] : [program.otherwise, "else"];
}

function note(pass: Pass, event: string): void {
  if (!pass.hasEnded) pass.trace.push(event);
}

function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Mulberry32: numbers from 0 to 1, the same for a seed. */
function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
