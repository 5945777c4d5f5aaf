import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { emptyFolder } from "../../../test/support/fake-terminal.ts";
import { takeDevLock } from "./dev-lock.ts";

test("a second session of the same data is refused, with the first one's process id, until that has ended", () => {
  const folder = emptyFolder();
  const release = takeDevLock(folder);
  expect(() => takeDevLock(folder)).toThrow(new RegExp(`already \\(process ${process.pid}\\)`));
  release();
  takeDevLock(folder)();
});

test("the lock of a session that was killed is taken over", () => {
  const folder = emptyFolder();
  writeFileSync(join(folder, "dev.lock"), "2147483646");
  takeDevLock(folder)();
});
