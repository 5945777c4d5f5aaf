import { describe, expect, test } from "vitest";
import { type Environment, readConfig, SETTINGS } from "./config.ts";

const key = Buffer.alloc(32, 7).toString("base64");

const REGISTRY = { GANTRY_PLATFORM_REGISTRY_PUSH_URL: "https://registry.example" };

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
  "process checkpoints are switched on by their namespace": {
    environment: {
      GANTRY_PLATFORM_EXECUTOR: "kubernetes",
      GANTRY_PLATFORM_KUBERNETES_NAMESPACE: "runs",
      GANTRY_PLATFORM_CHECKPOINT_NAMESPACE: "checkpoints",
      GANTRY_PLATFORM_CHECKPOINT_NODE_SELECTOR: '{ "pool": "checkpoints" }',
    },
    want: { checkpointNamespace: "checkpoints", checkpointNodeSelector: { pool: "checkpoints" } },
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
  "registry credentials without a registry": {
    environment: { GANTRY_PLATFORM_REGISTRY_USERNAME: "u", GANTRY_PLATFORM_REGISTRY_PASSWORD: "p" },
    want: /REGISTRY_USERNAME is of no use without GANTRY_PLATFORM_REGISTRY_PUSH_URL/,
  },
  "a registry user without a password": {
    environment: { ...REGISTRY, GANTRY_PLATFORM_REGISTRY_USERNAME: "u" },
    want: /REGISTRY_USERNAME and GANTRY_PLATFORM_REGISTRY_PASSWORD are set together/,
  },
  "a registry's token beside a password": {
    environment: {
      ...REGISTRY,
      GANTRY_PLATFORM_REGISTRY_USERNAME: "u",
      GANTRY_PLATFORM_REGISTRY_PASSWORD: "p",
      GANTRY_PLATFORM_REGISTRY_TOKEN: "t",
    },
    want: /REGISTRY_TOKEN and GANTRY_PLATFORM_REGISTRY_PASSWORD exclude each other/,
  },
  "a registry with a path": {
    environment: { GANTRY_PLATFORM_REGISTRY_PUSH_URL: "https://registry.example/acme" },
    want: /what comes behind belongs into GANTRY_PLATFORM_REGISTRY_REPOSITORY_PREFIX/,
  },
  "a registry without a scheme": {
    environment: { GANTRY_PLATFORM_REGISTRY_PUSH_URL: "localhost:5000" },
    want: /REGISTRY_PUSH_URL is http:\/\/ or https:\/\//,
  },
  "a docker builder without Docker": {
    environment: { ...REGISTRY, GANTRY_PLATFORM_BUILDER: "docker" },
    want: /BUILDER is docker, which needs GANTRY_PLATFORM_BUILDER_DOCKER_HOST/,
  },
  "Kubernetes with a registry that nodes do not know": {
    environment: { ...REGISTRY, GANTRY_PLATFORM_EXECUTOR: "kubernetes" },
    want: /REGISTRY_PULL_URL is required/,
  },
  "process checkpoints on a laptop": {
    environment: { GANTRY_PLATFORM_CHECKPOINT_NAMESPACE: "checkpoints" },
    want: /CHECKPOINT_NAMESPACE is of no use where GANTRY_PLATFORM_EXECUTOR is process/,
  },
  "process checkpoints in the namespace of all runs": {
    environment: {
      GANTRY_PLATFORM_EXECUTOR: "kubernetes",
      GANTRY_PLATFORM_KUBERNETES_NAMESPACE: "runs",
      GANTRY_PLATFORM_CHECKPOINT_NAMESPACE: "runs",
    },
    want: /CHECKPOINT_NAMESPACE must not be GANTRY_PLATFORM_KUBERNETES_NAMESPACE/,
  },
  "a base image for process checkpoints that are off": {
    environment: { GANTRY_PLATFORM_CHECKPOINT_WORKER_IMAGE: "worker-checkpoints:1" },
    want: /CHECKPOINT_WORKER_IMAGE is of no use without GANTRY_PLATFORM_CHECKPOINT_NAMESPACE/,
  },
  "nodes for process checkpoints that are off": {
    environment: { GANTRY_PLATFORM_CHECKPOINT_NODE_SELECTOR: '{ "pool": "x" }' },
    want: /CHECKPOINT_NODE_SELECTOR is of no use without GANTRY_PLATFORM_CHECKPOINT_NAMESPACE/,
  },
  "a platform that no image is made for": {
    environment: { GANTRY_PLATFORM_BUILD_PLATFORMS: "linux/mips" },
    want: /BUILD_PLATFORMS must be a list of linux\/amd64, linux\/arm64/,
  },
  "a repository in upper case": {
    environment: { GANTRY_PLATFORM_REGISTRY_REPOSITORY_PREFIX: "Acme" },
    want: /REGISTRY_REPOSITORY_PREFIX must be the beginning of a repository's name/,
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
