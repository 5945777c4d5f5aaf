import { DBOS } from "@dbos-inc/dbos-sdk";

/** A durable workflow of three steps that do nothing, in this process. */
export interface DbosWorkflow {
  note: string;
  /** Resolves with the result once the workflow has ended. */
  run(n: number): Promise<number>;
  close(): Promise<void>;
}

export async function dbosThreeSteps(databaseUrl: string): Promise<DbosWorkflow> {
  const workflow = DBOS.registerWorkflow(
    async (n: number) => {
      const one = await DBOS.runStep(async () => n + 1, { name: "one" });
      const two = await DBOS.runStep(async () => one + 1, { name: "two" });
      return await DBOS.runStep(async () => two + 1, { name: "three" });
    },
    { name: "threeSteps" },
  );
  DBOS.setConfig({ name: "bench", systemDatabaseUrl: databaseUrl, logLevel: "error", runAdminServer: false } as never);
  await DBOS.launch();
  return {
    note: "the workflow is called in the measuring process: no queue, no process of its own",
    // Called as a method, it would be looked for on the object.
    run: (n) => workflow(n),
    close: () => DBOS.shutdown(),
  };
}
