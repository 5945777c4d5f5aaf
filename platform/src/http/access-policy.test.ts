import { describe, expect, test } from "vitest";
import type { EnvironmentRef, KeyScope, Principal } from "../projects/principal.ts";
import { type Action, decideAccess, mayGrantScope, type Resource } from "./access-policy.ts";

const environment: EnvironmentRef = {
  id: 1,
  publicId: "env_1",
  slug: "prod",
  type: "PRODUCTION",
  projectId: "p",
  projectRef: "proj_a",
  projectName: "a",
};
const key = (scope: KeyScope): Principal => ({ kind: "key", environment, keyId: "key_1", scope });
const token = (...scopes: string[]): Principal => ({
  kind: "public",
  environment,
  scopes,
  tokenId: undefined,
  oneTimeUse: false,
  expiresAt: 0,
});
const run: Principal = { kind: "run", environment, runId: "run_1", executionId: "e", fence: "1" };
const access = (...scopes: string[]): Principal => ({ kind: "access", tokenId: "t", scopes });

const theRun: Resource[] = [
  { kind: "runs", id: "run_1" },
  { kind: "tags", id: "user:7" },
  { kind: "batch", id: "batch_1" },
  { kind: "tasks", id: "import" },
];
const theTask: Resource[] = [{ kind: "tasks", id: "import" }];

describe("who may do what", () => {
  const cases: Record<string, { who: Principal; action: Action; what: Resource[]; want: boolean }> = {
    "a full key reads": { who: key("full"), action: "read", what: theRun, want: true },
    "a full key administers": { who: key("full"), action: "admin", what: [{ kind: "keys" }], want: true },
    "a trigger key triggers": { who: key("trigger"), action: "trigger", what: theTask, want: true },
    "a trigger key does not read": { who: key("trigger"), action: "read", what: theRun, want: false },
    "a trigger key does not cancel": { who: key("trigger"), action: "write", what: theRun, want: false },
    "a read key reads": { who: key("read"), action: "read", what: theRun, want: true },
    "a read key does not trigger": { who: key("read"), action: "trigger", what: theTask, want: false },
    "a read key does not administer": { who: key("read"), action: "admin", what: [{ kind: "keys" }], want: false },
    "a deploy key deploys": { who: key("deploy"), action: "deploy", what: [{ kind: "deployments" }], want: true },
    "a deploy key reads versions": { who: key("deploy"), action: "read", what: [{ kind: "deployments" }], want: true },
    "a deploy key does not read runs": { who: key("deploy"), action: "read", what: theRun, want: false },
    "a run triggers": { who: run, action: "trigger", what: theTask, want: true },
    "a run reads": { who: run, action: "read", what: theRun, want: true },
    "a run does not deploy": { who: run, action: "deploy", what: [{ kind: "deployments" }], want: false },
    "a run does not make keys": { who: run, action: "admin", what: [{ kind: "keys" }], want: false },
    "a personal token does all": { who: access(), action: "admin", what: [{ kind: "keys" }], want: true },
    "a personal token with scopes keeps to them": { who: access("read"), action: "write", what: theRun, want: false },
    "a public token reads its run": { who: token("read:runs:run_1"), action: "read", what: theRun, want: true },
    "a public token reads no other run": { who: token("read:runs:run_2"), action: "read", what: theRun, want: false },
    "a public token reads a run by its tag": {
      who: token("read:tags:user:7"),
      action: "read",
      what: theRun,
      want: true,
    },
    "a public token of another tag does not": {
      who: token("read:tags:user:8"),
      action: "read",
      what: theRun,
      want: false,
    },
    "a public token reads a run by its batch": {
      who: token("read:batch:batch_1"),
      action: "read",
      what: theRun,
      want: true,
    },
    "a public token reads all runs": { who: token("read:runs"), action: "read", what: theRun, want: true },
    "reading is not writing": { who: token("read:runs:run_1"), action: "write", what: theRun, want: false },
    "a longer id is not matched by its beginning": {
      who: token("read:runs:run_"),
      action: "read",
      what: theRun,
      want: false,
    },
    "a public token triggers its task": {
      who: token("trigger:tasks:import"),
      action: "trigger",
      what: theTask,
      want: true,
    },
    "a public token triggers no other": {
      who: token("trigger:tasks:export"),
      action: "trigger",
      what: theTask,
      want: false,
    },
    "a trigger token does not batch": {
      who: token("trigger:tasks:import"),
      action: "batchTrigger",
      what: theTask,
      want: false,
    },
    "write:tasks triggers": { who: token("write:tasks"), action: "trigger", what: theTask, want: true },
    "an admin token still makes no keys": {
      who: token("admin"),
      action: "admin",
      what: [{ kind: "keys" }],
      want: false,
    },
    "an admin token reads": { who: token("admin"), action: "read", what: theRun, want: true },
    "a token without scopes does nothing": { who: token(), action: "read", what: theRun, want: false },
  };
  test.each(Object.entries(cases))("%s", (_title, { who, action, what, want }) => {
    expect(decideAccess(who, action, what).allow).toBe(want);
  });
});

describe("which tokens one may hand out", () => {
  const cases: Record<string, { who: Principal; scope: string; want: boolean }> = {
    "a full key: any": { who: key("full"), scope: "admin", want: true },
    "a read key: to read": { who: key("read"), scope: "read:runs:run_1", want: true },
    "a read key: not to trigger": { who: key("read"), scope: "trigger:tasks:import", want: false },
    "a trigger key: to trigger": { who: key("trigger"), scope: "trigger:tasks:import", want: true },
    "a trigger key: not to read": { who: key("trigger"), scope: "read:runs", want: false },
    "a run: to read": { who: run, scope: "read:runs:run_1", want: true },
    "a run: not admin": { who: run, scope: "admin", want: false },
    "a public token: none": { who: token("admin"), scope: "read:runs:run_1", want: false },
    "nobody: an unknown action": { who: key("full"), scope: "delete:runs", want: false },
  };
  test.each(Object.entries(cases))("%s", (_title, { who, scope, want }) => {
    expect(mayGrantScope(who, scope)).toBe(want);
  });
});
