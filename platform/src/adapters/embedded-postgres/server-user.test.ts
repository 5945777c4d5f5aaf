import { describe, expect, test } from "vitest";
import { chooseServerUser, isTraversable } from "./server-user.ts";

const ROOT = "root:x:0:0:root:/root:/bin/bash";
const NOBODY = "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin";
const POSTGRES = "postgres:x:101:104:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash";
const NODE = "node:x:1000:1000::/home/node:/bin/bash";

describe("the server's user, where we are root", () => {
  const cases: Record<string, { passwd: string[]; want: string }> = {
    "postgres is preferred": { passwd: [ROOT, NOBODY, POSTGRES], want: "postgres" },
    "nobody is next": { passwd: [ROOT, NOBODY, NODE], want: "nobody" },
    "any other user will do": { passwd: [ROOT, NODE, ""], want: "node" },
  };
  test.each(Object.entries(cases))("%s", (_sentence, { passwd, want }) => {
    expect(chooseServerUser(passwd.join("\n")).name).toBe(want);
  });

  test("a machine with no other user says what to do", () => {
    expect(() => chooseServerUser(ROOT)).toThrow(/DATABASE_URL/);
  });
});

describe("whether a user may pass through a folder", () => {
  const user = { uid: 101, gid: 104 };
  const cases: Record<string, { folder: Parameters<typeof isTraversable>[0]; want: boolean }> = {
    "/root shuts others out": { folder: { mode: 0o700, uid: 0, gid: 0 }, want: false },
    "a common folder lets everyone through": { folder: { mode: 0o755, uid: 0, gid: 0 }, want: true },
    "its own folder lets it through": { folder: { mode: 0o700, uid: 101, gid: 104 }, want: true },
    "its group's right counts": { folder: { mode: 0o710, uid: 0, gid: 104 }, want: true },
    "its group's lack of a right counts before others'": { folder: { mode: 0o701, uid: 0, gid: 104 }, want: false },
  };
  test.each(Object.entries(cases))("%s", (_sentence, { folder, want }) => {
    expect(isTraversable(folder, user)).toBe(want);
  });
});
