import type { JournalAppend, JournalCompletion } from "@gantry/sdk/contract";
import { beforeEach, describe, expect, test } from "vitest";
import { AttemptJournal } from "./attempt-journal.ts";
import { IdleReport } from "./idle-report.ts";
import type { FromTaskProcess } from "./process-messages.ts";
import type { RunnerConnection } from "./runner-connection.ts";

let sent: FromTaskProcess[];
let isKeptAlive: boolean;
let heard: number[];
let journal: AttemptJournal;

beforeEach(() => {
  sent = [];
  heard = [];
  isKeptAlive = false;
  journal = begin();
  listen();
});

function begin(snapshot?: ConstructorParameters<typeof AttemptJournal>[1]): AttemptJournal {
  const connection = {
    sendIfOpen: (message: FromTaskProcess) => sent.push(message),
    keepAlive: (isKept: boolean) => (isKeptAlive = isKept),
  } as unknown as RunnerConnection;
  const made = new AttemptJournal(connection, snapshot, new IdleReport(undefined, () => undefined));
  return made;
}

function listen(): void {
  journal.onCompletions((completions) => heard.push(...completions.map(({ seq }) => seq)));
}

const call = { key: "k", label: "a step", after: 0, attempt: 1 };
const step = (entry: number, value = "1"): JournalAppend => ({
  type: "done",
  kind: "step",
  ...call,
  entry,
  ok: true,
  value,
  startedAt: 0,
  tries: 1,
});
const token = (entry: number): JournalAppend => ({ type: "open", kind: "token", ...call, entry, tokenId: "t" });
const completion = (seq: number, entry = seq): JournalCompletion => ({ entry, seq, ok: true, at: 0 });
const turn = () => new Promise((resolve) => setImmediate(resolve));
const answer = (n: number | undefined, completions: JournalCompletion[], error?: { code: string; message: string }) =>
  journal.received({
    t: "completions",
    executionId: "e",
    completions,
    ...(n === undefined ? {} : { n }),
    ...(error ? { error } : {}),
  });

describe("entries", () => {
  test("of one turn of the event loop share a message, in the order of the calls", async () => {
    const stored = Promise.all([journal.append([step(0)]), journal.append([step(1), token(2)])]);
    await turn();
    expect(sent).toEqual([{ t: "journal", n: 0, known: 0, entries: [step(0), step(1), token(2)] }]);
    answer(0, []);
    await stored;
  });

  test("that are long have messages of their own", async () => {
    const long = "x".repeat(3 * 1024 * 1024);
    for (let entry = 0; entry < 3; entry++) void journal.append([step(entry, long)]);
    await turn();
    expect(sent).toHaveLength(3);
  });

  test("that no frame could carry are refused at once", async () => {
    const refused = journal.append([step(0, "x".repeat(13 * 1024 * 1024))]);
    await expect(refused).rejects.toMatchObject({ code: "JOURNAL_LIMIT", message: expect.stringContaining("a step") });
    await turn();
    expect(sent).toEqual([]);
  });

  test("that are refused together are tried one call after another, so that each hears of its own", async () => {
    const good = journal.append([step(0)]);
    const bad = journal.append([step(1)]);
    await turn();
    answer(0, [], { code: "JOURNAL_LIMIT", message: "too much" });
    const told = expect(bad).rejects.toMatchObject({ code: "JOURNAL_LIMIT", message: "too much" });
    answer(1, [completion(1, 0)]);
    answer(2, [], { code: "JOURNAL_LIMIT", message: "too much" });
    await Promise.all([good, told]);
    expect(sent.slice(1)).toMatchObject([
      { n: 1, entries: [{ entry: 0 }] },
      { n: 2, entries: [{ entry: 1 }] },
    ]);
  });
});

describe("completions", () => {
  test("are told once each, in order, whichever way they come, and before the call they answer", async () => {
    const stored = journal.append([step(0)]).then(() => heard.push(-1));
    await turn();
    answer(undefined, [completion(3)]);
    answer(0, [completion(3), completion(5)]);
    answer(undefined, [completion(5), completion(6)]);
    await stored;
    expect(heard).toEqual([3, 5, 6, -1]);
  });

  test("that came before anybody listened are told to who listens then", () => {
    journal = begin({ seq: 4, entries: [] });
    answer(undefined, [completion(4), completion(5)]);
    expect(heard).toEqual([]);
    listen();
    expect(heard).toEqual([5]);
  });
});

describe("after a reconnect", () => {
  test("what has no answer is said again with its number, and what was lost is asked for", async () => {
    void journal.append([step(0)]);
    await turn();
    void journal.append([step(1)]);
    await turn();
    answer(0, [completion(1, 0)]);
    expect(journal.unsaid()).toEqual([
      { t: "journal", n: 1, known: 0, entries: [step(1)] },
      { t: "journal", n: 2, known: 1, entries: [] },
    ]);
  });

  test("nothing is said where the run has not used its journal", () => {
    expect(journal.unsaid()).toEqual([]);
  });
});

describe("the process is kept from looking stalled", () => {
  test("while an entry is on its way or a wait is open, and not otherwise", async () => {
    const stored = journal.append([step(0)]);
    await turn();
    expect(isKeptAlive).toBe(true);
    answer(0, [completion(1, 0)]);
    await stored;
    expect(isKeptAlive).toBe(false);
    void journal.append([token(1)]);
    await turn();
    answer(1, []);
    expect(isKeptAlive).toBe(true);
    answer(undefined, [completion(2, 1)]);
    expect(isKeptAlive).toBe(false);
  });

  test("while a wait of an earlier process is open", () => {
    const open = { entry: 0, kind: "token", key: "k", label: "l", after: 0, attempt: 1 } as const;
    begin({ seq: 0, entries: [open] });
    expect(isKeptAlive).toBe(true);
  });
});
