import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { livingOf } from "./processes.mjs";

const DEADLINE_MS = 60_000;
const PAYLOAD = { email: "busy.ada@example.com", name: "Ada", waitSeconds: 4 };

/** Shows a run that waits, whose process ends meanwhile, and that goes on in another one; checks that it did all of it once. */
export async function waitWithoutProcess({ apiUrl, secretKey }, say) {
  const { configure, runs, tasks } = await import("@gantry/sdk");
  configure({ baseURL: apiUrl, secretKey });
  const { id } = await tasks.trigger("onboarding", PAYLOAD);
  say(
    `Triggered ${id}: a mail, a wait of ${PAYLOAD.waitSeconds} s, a second mail that depends on what happened meanwhile`,
  );

  await until("the run waits", async () => (await runs.retrieve(id)).status === "WAITING");
  const journal = await journalOf(apiUrl, secretKey, id);
  const first = journal.find(({ kind }) => kind === "step").output.process;
  say(`  WAITING    process ${first} has sent the first mail and is still there, idle; the run holds no slot`);
  await until("its process ends", async () => (await livingOf([first])).length === 0);
  say(`  WAITING    process ${first} is gone: what the run has done is in its journal`);
  await until("the run ends", async () => (await runs.retrieve(id)).isCompleted);

  const run = await runs.retrieve(id);
  assert.equal(run.status, "COMPLETED", `the run is ${run.status}: ${run.error?.message}`);
  const [welcome, second] = run.output.sent;
  assert.equal(welcome.process, first);
  assert.notEqual(second.process, first);
  assert.deepEqual(
    (await journalOf(apiUrl, secretKey, id)).map(({ kind, label, state }) => `${kind} ${label}: ${state}`),
    ["step welcome", "time 4 seconds", "step look at activity", "step send next-steps"].map(
      (call) => `${call}: COMPLETED`,
    ),
  );
  say(`  COMPLETED  process ${second.process} went on at the line after the wait and sent the second mail`);
  say("\nChecked: four calls in the journal, each made once, in two processes, in one attempt.");
}

async function journalOf(apiUrl, secretKey, id) {
  const reply = await fetch(`${apiUrl}/api/v1/runs/${id}/journal`, {
    headers: { authorization: `Bearer ${secretKey}` },
  });
  assert.equal(reply.status, 200);
  return (await reply.json()).entries;
}

async function until(what, isSo) {
  for (const deadline = Date.now() + DEADLINE_MS; !(await isSo()); await pause(50)) {
    assert.ok(Date.now() < deadline, `not after ${DEADLINE_MS / 1000} s: ${what}`);
  }
}
