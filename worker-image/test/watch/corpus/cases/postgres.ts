/** Two clients of Postgres, against a real one. */
import pg from "pg";
import postgres from "postgres";
import { type Case, scene } from "../stage.ts";

const WRITE = "select set_config('gantry.corpus', 'x', false)";

const pool = (url: string, max = 1) => new pg.Pool({ connectionString: url, max });

async function client(url: string): Promise<pg.Client> {
  const connecting = new pg.Client(url);
  await connecting.connect();
  return connecting;
}

export const cases: Record<string, Case> = {
  pg: scene({
    want: "bytes",
    load: ({ servers }) => client(servers.postgres),
    run: (_, db) => db.query(WRITE),
  }),
  "pg, a pool": { want: "bytes", run: async ({ servers }) => await pool(servers.postgres).query(WRITE) },
  "pg, a pool in steps": {
    want: "safe",
    run: async ({ servers, step }) => {
      const db = pool(servers.postgres);
      for (const name of ["one", "two"]) await step(name, () => db.query(WRITE));
    },
  },
  "pg, a pool of module code in parallel steps": scene({
    want: "safe",
    load: ({ servers }) => pool(servers.postgres, 2),
    run: ({ step }, db) => Promise.all(["one", "two", "three"].map((name) => step(name, () => db.query(WRITE)))),
  }),
  "pg, a pool that lies idle during a wait": scene({
    want: "safe",
    load: ({ servers }) => pool(servers.postgres),
    run: async ({ step, wait }, db) => {
      await step("one", () => db.query(WRITE));
      await wait();
    },
  }),
  "pg, a pool that closes its idle connection during a wait": scene({
    want: "safe",
    load: ({ servers }) => new pg.Pool({ connectionString: servers.postgres, idleTimeoutMillis: 10 }),
    run: async ({ step, wait }, db) => {
      await step("one", () => db.query(WRITE));
      await wait(() => db.totalCount === 0);
    },
  }),
  "pg, queued behind a step's": scene({
    want: "unsafe",
    load: ({ servers }) => client(servers.postgres),
    run: async ({ step }, db) => await Promise.all([step("one", () => db.query(WRITE)), db.query(WRITE)]),
  }),
  "pg, a pool of one, queued behind a step's": scene({
    want: "unsafe",
    load: ({ servers }) => pool(servers.postgres),
    run: async ({ step }, db) => await Promise.all([step("one", () => db.query(WRITE)), db.query(WRITE)]),
  }),
  "pg, connected by repeatable code": {
    want: "safe",
    run: async ({ step, repeatable, servers }) => {
      const db = await repeatable(() => client(servers.postgres));
      await step("one", () => Promise.all([db.query(WRITE), db.query(WRITE)]));
    },
  },
  "pg, connected by repeatable code, queued behind a step's": {
    want: "queued",
    call: "db.query",
    run: async ({ step, repeatable, servers }) => {
      const db = await repeatable(() => client(servers.postgres));
      const stepping = step("one", () => db.query(WRITE));
      await db.query(WRITE);
      await stepping;
    },
  },
  "pg, a client of module code that a step's queries queue up on": scene({
    want: "safe",
    but: { held: "the second query is sent when the first is answered, in the context of module code" },
    load: ({ servers }) => client(servers.postgres),
    run: ({ step }, db) => step("one", () => Promise.all([db.query(WRITE), db.query(WRITE)])),
  }),
  "pg, a callback on a client that a step uses at that moment": {
    want: "unsafe",
    but: { missed: "no promise, and the client sends it from the step's context" },
    run: async ({ step, repeatable, servers }) => {
      const db = await repeatable(() => client(servers.postgres));
      const stepping = step("one", () => db.query(WRITE));
      db.query(WRITE, () => undefined);
      await stepping;
    },
  },
  "pg, a query that a step did not await": scene({
    want: "unsafe",
    but: { missed: "the step's own leftovers: nobody would repeat it, and what it left unsent is lost" },
    load: ({ servers }) => client(servers.postgres),
    run: ({ step }, db) => step("one", () => void db.query(WRITE)),
  }),
  "postgres.js": scene({
    want: "unsafe",
    load: ({ servers }) => postgres(servers.postgres, { max: 1 }),
    run: async (_, sql) => await sql`select 1`,
  }),
  "postgres.js in steps": scene({
    want: "safe",
    load: ({ servers }) => postgres(servers.postgres, { max: 1, fetch_types: false }),
    run: async ({ step }, sql) => {
      for (const name of ["one", "two"]) await step(name, async () => void (await sql`select 1`));
    },
  }),
  "postgres.js in parallel steps": scene({
    want: "safe",
    load: ({ servers }) => postgres(servers.postgres, { max: 1 }),
    run: ({ step }, sql) =>
      Promise.all(["one", "two"].map((name) => step(name, async () => void (await sql`select 1`)))),
  }),
  "postgres.js, a transaction in a step": scene({
    want: "safe",
    load: ({ servers }) => postgres(servers.postgres, { max: 1 }),
    run: ({ step }, sql) => step("one", async () => void (await sql.begin((tx) => tx`select 1`))),
  }),
  "postgres.js, queued behind a step's": scene({
    want: "unsafe",
    load: ({ servers }) => postgres(servers.postgres, { max: 1 }),
    run: async ({ step }, sql) =>
      await Promise.all([step("one", async () => void (await sql`select 1`)), sql`select 2`]),
  }),
};
