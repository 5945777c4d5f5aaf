import { expect, test } from "vitest";
import { testDatabase } from "../../../test/support/test-database.ts";
import { AdvisoryDeployLocks } from "./advisory-deploy-locks.ts";

const { url, pool } = await testDatabase();
const [here, there] = [new AdvisoryDeployLocks(url), new AdvisoryDeployLocks(url)];
const never = new AbortController().signal;
const nobody = () => undefined;

test("one at a time in an environment, whichever platform asks; others wait and hear for whom", async () => {
  for (const locks of [here, there]) {
    const first = await here.acquire(1, "the first", nobody, never);
    const heard = Promise.withResolvers<string>();
    let isHeld = true;
    const second = locks.acquire(1, "the second", heard.resolve, never).then((lock) => ({ lock, wasHeld: isHeld }));
    expect(await heard.promise).toBe("the first");
    isHeld = false;
    await first.release();
    const { lock, wasHeld } = await second;
    expect(wasHeld).toBe(false);
    await lock.release();
  }
});

test("environments do not wait for each other", async () => {
  const locks = await Promise.all([2, 3, 4].map((id) => here.acquire(id, "x", nobody, never)));
  await Promise.all(locks.map((lock) => lock.release()));
});

test("who stops waiting is out of the way", async () => {
  const first = await here.acquire(5, "the first", nobody, never);
  for (const locks of [here, there]) {
    const abort = new AbortController();
    const waiting = locks.acquire(5, "impatient", () => abort.abort(new Error("went away")), abort.signal);
    await expect(waiting).rejects.toThrow("went away");
  }
  await first.release();
  await (await there.acquire(5, "next", nobody, never)).release();
});

test("a lock whose session is lost says so at once, and others go on", async () => {
  const lock = await here.acquire(6, "cut off", nobody, never);
  const lost = new Promise((resolve) => lock.lost.addEventListener("abort", resolve));
  await pool.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'gantry deploy cut off'",
  );
  await lost;
  expect(lock.lost.reason).toMatchObject({ code: "STORE_UNAVAILABLE" });
  await (await there.acquire(6, "next", nobody, never)).release();
  await lock.release();
  await (await here.acquire(6, "again", nobody, never)).release();
});

test("a database that is away is an error, and the turn is not lost for those after", async () => {
  const away = new AdvisoryDeployLocks("postgresql://localhost:1/none");
  for (const attempt of ["one", "two"])
    await expect(away.acquire(1, attempt, nobody, never)).rejects.toMatchObject({ code: "ECONNREFUSED" });
});
