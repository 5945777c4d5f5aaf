import pg from "pg";

const TRIES = 3;

/**
 * Whether a transaction pooler (PgBouncer's `pool_mode = transaction` and its like) stands before the server: then locks
 * and LISTEN of a session would be lost or another's. Two clients that find themselves in one backend prove it; behind a
 * server, or a pooler of whole sessions, each has its own. Errors: the driver's.
 */
export async function isTransactionPooler(connectionString: string): Promise<boolean> {
  const clients: pg.Client[] = [];
  try {
    const first = await connected(connectionString, clients);
    // A pooler invents the key that a client is told; only then is there more to ask.
    if ((first as unknown as { processID: number | null }).processID === (await backendOf(first))) return false;
    for (let tries = 0; tries < TRIES; tries++) {
      const other = await connected(connectionString, clients);
      if ((await backendOf(first)) === (await backendOf(other))) return true;
    }
    return false;
  } finally {
    await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
  }
}

async function connected(connectionString: string, clients: pg.Client[]): Promise<pg.Client> {
  const client = new pg.Client({ connectionString, application_name: "gantry", connectionTimeoutMillis: 10_000 });
  client.on("error", () => undefined);
  await client.connect();
  clients.push(client);
  return client;
}

async function backendOf(client: pg.Client): Promise<number> {
  return (await client.query<{ pid: number }>("select pg_backend_pid() as pid")).rows[0]?.pid ?? 0;
}
