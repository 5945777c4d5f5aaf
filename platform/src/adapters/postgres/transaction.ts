import type pg from "pg";

/**
 * Runs `work` in a transaction on a connection of its own.
 *
 * Errors: what `work` throws, after a rollback; the driver's where the connection breaks. A connection that breaks between
 * two statements says so by an event alone, which would end the process if nobody listened; it does not go back to the pool.
 */
export async function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  const onError = (error: Error) => {
    broken = error;
  };
  client.on("error", onError);
  try {
    await client.query("begin");
    const result = await work(client);
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback").catch(onError);
    throw error;
  } finally {
    client.off("error", onError);
    client.release(broken);
  }
}
