import { describe, expect, test } from "vitest";
import { type Environment, readConfig, SETTINGS } from "./config.ts";

const key = Buffer.alloc(32, 7).toString("base64");

const accepted: Record<string, { environment: Environment; want: Record<string, unknown> }> = {
  "nothing set gives the defaults": {
    environment: {},
    want: {
      host: "127.0.0.1",
      port: 4400,
      roles: ["api", "scheduler"],
      embeddedPostgres: true,
      processKeepAlive: false,
      databaseUrl: undefined,
    },
  },
  "DATABASE_URL is an alias": {
    environment: { DATABASE_URL: "postgresql://db/gantry" },
    want: { databaseUrl: "postgresql://db/gantry" },
  },
  "the full name wins over the alias": {
    environment: { DATABASE_URL: "postgresql://app/app", GANTRY_PLATFORM_DATABASE_URL: "postgresql://db/gantry" },
    want: { databaseUrl: "postgresql://db/gantry" },
  },
  "an empty value counts as unset": {
    environment: { GANTRY_PLATFORM_PORT: "", DATABASE_URL: "" },
    want: { port: 4400, databaseUrl: undefined },
  },
  "values are read in their types": {
    environment: {
      GANTRY_PLATFORM_PORT: "0",
      GANTRY_PLATFORM_ROLES: "scheduler",
      GANTRY_PLATFORM_PROCESS_KEEP_ALIVE: "1",
      GANTRY_PLATFORM_ENCRYPTION_KEY: key,
    },
    want: { port: 0, roles: ["scheduler"], processKeepAlive: true, encryptionKey: key },
  },
  "variables of others are ignored": { environment: { PATH: "/bin", GANTRY_SECRET_KEY: "x" }, want: { port: 4400 } },
};

const refused: Record<string, { environment: Environment; want: RegExp }> = {
  "an unknown name": {
    environment: { GANTRY_PLATFORM_DATABSE_URL: "x" },
    want: /GANTRY_PLATFORM_DATABSE_URL is not a setting; did you mean GANTRY_PLATFORM_DATABASE_URL\?/,
  },
  "a port that is none": {
    environment: { GANTRY_PLATFORM_PORT: "http" },
    want: /GANTRY_PLATFORM_PORT must be a number/,
  },
  "a boolean that is none": {
    environment: { GANTRY_PLATFORM_EMBEDDED_POSTGRES: "maybe" },
    want: /EMBEDDED_POSTGRES must be true or false/,
  },
  "a role that does not exist": {
    environment: { GANTRY_PLATFORM_ROLES: "api,cook" },
    want: /ROLES must be a list of api, scheduler/,
  },
  "a key that is too short": {
    environment: { GANTRY_PLATFORM_ENCRYPTION_KEY: "c2hvcnQ=" },
    want: /ENCRYPTION_KEY must be 32 bytes/,
  },
  "no database at all": {
    environment: { GANTRY_PLATFORM_EMBEDDED_POSTGRES: "false" },
    want: /DATABASE_URL is required/,
  },
  "several mistakes at once": {
    environment: { GANTRY_PLATFORM_PORT: "x", GANTRY_PLATFORM_HOSTT: "y" },
    want: /HOSTT[\s\S]*PORT/,
  },
};

describe("the configuration", () => {
  test.each(Object.entries(accepted))("%s", (_sentence, { environment, want }) => {
    expect(readConfig(environment)).toMatchObject(want);
  });

  test.each(Object.entries(refused))("refuses %s", (_sentence, { environment, want }) => {
    expect(() => readConfig(environment)).toThrow(want);
  });

  test("an error never shows the value of a secret", () => {
    const read = () =>
      readConfig({ GANTRY_PLATFORM_ENCRYPTION_KEY: "hunter2", GANTRY_PLATFORM_DEV_KEY_SECRET: "hunter2" });
    expect(read).toThrow(/ENCRYPTION_KEY[\s\S]*DEV_KEY_SECRET/);
    expect(read).not.toThrow(/hunter2/);
  });

  test("every setting has a unit and one line of docs", () => {
    for (const { unit, doc } of Object.values(SETTINGS)) {
      expect(unit).toMatch(/^\w+$/);
      expect(doc).toMatch(/^[^\n]+\.$/);
    }
  });
});
