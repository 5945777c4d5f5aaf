import { describe, expect, test } from "vitest";
import { needsOwnProcess } from "./start-only-variables.ts";

describe("a process that was booted before its variables were known", () => {
  test.each(["DATABASE_URL", "TZ", "NODE_ENV", "NODE_TLS_REJECT_UNAUTHORIZED", "PATH", "DEBUG"])(
    "can be given %s",
    (name) => expect(needsOwnProcess({ A: "1", [name]: "x" })).toBe(false),
  );

  test.each(["NODE_OPTIONS", "NODE_EXTRA_CA_CERTS", "UV_THREADPOOL_SIZE", "LD_PRELOAD", "MALLOC_ARENA_MAX", "LC_ALL"])(
    "is too late for %s",
    (name) => expect(needsOwnProcess({ A: "1", [name]: "x" })).toBe(true),
  );
});
