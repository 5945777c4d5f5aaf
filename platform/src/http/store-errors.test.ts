import { describe, expect, test } from "vitest";
import { storeError } from "./store-errors.ts";

const coded = (code: string, message = "x") => Object.assign(new Error(message), { code });

describe("an error of the database's driver", () => {
  const cases: Record<string, { error: unknown; want: string | undefined }> = {
    "that nobody listens": { error: coded("ECONNREFUSED"), want: "STORE_UNAVAILABLE" },
    "that nobody listens on any address": {
      error: new AggregateError([coded("ECONNREFUSED")]),
      want: "STORE_UNAVAILABLE",
    },
    "that the server shuts down": { error: coded("57P01"), want: "STORE_UNAVAILABLE" },
    "that the server starts up": { error: coded("57P03"), want: "STORE_UNAVAILABLE" },
    "that the connection broke": { error: coded("08006"), want: "STORE_UNAVAILABLE" },
    "that there are too many connections": { error: coded("53300"), want: "STORE_UNAVAILABLE" },
    "that Prisma cannot reach it": { error: coded("P1001"), want: "STORE_UNAVAILABLE" },
    "that Prisma wraps": {
      error: coded("P2039", "Database error. Code: `57P03`. Message: `x`"),
      want: "STORE_UNAVAILABLE",
    },
    "that the pool waited in vain": {
      error: new Error("timeout exceeded when trying to connect"),
      want: "STORE_UNAVAILABLE",
    },
    "that the connection was cut": {
      error: new Error("Connection terminated unexpectedly"),
      want: "STORE_UNAVAILABLE",
    },
    "wrapped in another": {
      error: new Error("query failed", { cause: coded("ECONNRESET") }),
      want: "STORE_UNAVAILABLE",
    },
    "that the disk is full": { error: coded("53100"), want: "STORAGE_FULL" },
    "that a row is there already is none of these": { error: coded("23505"), want: undefined },
    "that is no error": { error: "boom", want: undefined },
  };
  test.each(Object.entries(cases))("%s", (_title, { error, want }) => {
    expect(storeError(error)?.code).toBe(want);
  });
});
