import { randomBytes } from "node:crypto";
import type { RunReply } from "@gantry/sdk/contract";
import type { Pool } from "pg";
import { createCredentials } from "../../src/cluster/jwt-credentials.ts";
import { decodeId } from "../../src/ids.ts";
import type { EnvironmentRef } from "../../src/projects/principal.ts";
import { MasterKey } from "../../src/secrets/master-key.ts";
import { ScriptedRunner } from "./scripted-runner.ts";
import { type Answer, caller } from "./served-http.ts";

export const encryptionKey = randomBytes(32).toString("base64");
/** What switches process checkpoints on; nothing but these tests makes workers. */
export const STORING = {
  GANTRY_PLATFORM_ENCRYPTION_KEY: encryptionKey,
  GANTRY_PLATFORM_CHECKPOINT_NAMESPACE: "checkpoints",
};

interface Place {
  pool: Pool;
  url(): string;
  key: string;
  environment: EnvironmentRef;
}

/** What tests of stored processes do again and again: runs, their Jobs' runners, tokens that they wait for. */
export function storedScene({ pool, url, key, environment }: Place) {
  const credentials = createCredentials(new MasterKey(encryptionKey));
  const runners: ScriptedRunner[] = [];
  /** Again while the platform is away. */
  const call = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    for (;;) {
      const options = { key, ...(body === undefined ? {} : { body }) };
      const answer = await caller(url())(method, path, options).catch(() => undefined);
      if (answer !== undefined && answer.status < 500) return answer;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  };

  /** The execution of a run that waits for its worker now. */
  async function awaited(runId: string): Promise<{ executionId: string; deploymentId: string }> {
    for (;;) {
      const { rows } = await pool.query<{ executionId: string; deploymentId: string }>(
        `select id as "executionId", deployment_id as "deploymentId" from execution where run_id = $1 and state = 'STARTING'`,
        [decodeId("run", runId)],
      );
      if (rows[0] !== undefined) return rows[0];
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  return {
    pool,
    call,
    awaited,
    async trigger(): Promise<string> {
      const options = { idempotencyKey: randomBytes(8).toString("hex") };
      const { body } = await call("POST", "/api/v1/tasks/import/trigger", { payload: {}, options });
      return String(body.id);
    },
    run: async (runId: string) => (await call("GET", `/api/v3/runs/${runId}`)).body as unknown as RunReply,
    /** The runner of the Job that was made for the run's execution. */
    async launch(runId: string, from: () => string = url): Promise<ScriptedRunner> {
      const execution = await awaited(runId);
      const expiresAt = new Date(Date.now() + 600_000);
      const token = credentials.issueBootstrapToken({ ...execution, environmentId: environment.id, expiresAt });
      const runner = await ScriptedRunner.launched(from, token);
      runners.push(runner);
      return runner;
    },
    /** A token, and how it is completed. */
    async token() {
      const { body } = await call("POST", "/api/v1/waitpoints/tokens", {});
      const id = String(body.id);
      return {
        id,
        wait: {
          type: "open" as const,
          kind: "token" as const,
          entry: 0,
          key: "wait-0",
          label: "approval",
          after: 0,
          attempt: 1,
          tokenId: id,
        },
        complete: (data: unknown = "yes") => call("POST", `/api/v1/waitpoints/tokens/${id}/complete`, { data }),
      };
    },
    async count(from: string, ...values: unknown[]): Promise<number> {
      const { rows } = await pool.query<{ n: number }>(`select count(*)::int as n from ${from}`, values);
      return rows[0]?.n ?? 0;
    },
    /** Resolves once the run is so. */
    async ended(runId: string): Promise<RunReply> {
      for (;;) {
        const run = (await call("GET", `/api/v3/runs/${runId}`)).body as unknown as RunReply;
        if (run.isCompleted) return run;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    endAll: () => {
      for (const runner of runners) runner.end();
    },
  };
}
export type StoredScene = ReturnType<typeof storedScene>;
