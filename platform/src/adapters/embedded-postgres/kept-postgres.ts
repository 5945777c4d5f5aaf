import { setTimeout as delay } from "node:timers/promises";
import { type EmbeddedPostgresOptions, startEmbeddedPostgres } from "./embedded-postgres.ts";

const PAUSE_MS = 250;

export interface KeptPostgresLog {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/**
 * The embedded server, kept running: one that ends although nobody asked it to is started again, on the same port, again
 * and again until it runs. Clients see a restart. Errors: those of the first start.
 */
export async function keepEmbeddedPostgres(
  options: Omit<EmbeddedPostgresOptions, "onExit">,
  log: KeptPostgresLog,
): Promise<{ url: string; stop(): Promise<void> }> {
  let isDown = false;
  let isStopping = false;
  let restarting: Promise<void> | undefined;
  const onExit = (reason: string) => {
    log.error({ reason }, "the embedded Postgres has ended; it is started again");
    isDown = true;
    restarting ??= restart().finally(() => (restarting = undefined));
  };
  let server = await startEmbeddedPostgres({ ...options, onExit });
  const { port, url } = server;

  async function restart(): Promise<void> {
    while (isDown && !isStopping) {
      try {
        isDown = false;
        server = await startEmbeddedPostgres({ ...options, port, onExit });
        log.warn({ pid: server.pid }, "the embedded Postgres runs again");
      } catch (error) {
        isDown = true;
        log.error({ err: error }, "the embedded Postgres could not be started; it is tried again");
        await delay(PAUSE_MS);
      }
    }
  }

  return {
    url,
    async stop() {
      isStopping = true;
      await restarting;
      await server.stop();
    },
  };
}
