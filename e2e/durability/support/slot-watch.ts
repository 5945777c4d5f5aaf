import type { Pool } from "pg";

/** What must hold at every moment: only runs at work have a slot, and no limit is exceeded. */
const WRONG = `
  select 'a run that is ' || coalesce(r.status::text, 'not there') || ' has a slot' as wrong
  from slot s left join run r on r.environment_id = s.environment_id and r.id = s.run_id
  where coalesce(r.status::text, '') not in ('EXECUTING', 'DEQUEUED')
  union all
  select 'queue ' || q.name || ' has ' || count(*) || ' of ' || q.declared_limit from slot s join queue q on q.id = s.queue_id
  where q.declared_limit is not null group by q.id, q.name, q.declared_limit having count(*) > q.declared_limit`;

/** Looks again and again, each time at one moment of the database, until it is stopped. */
export class SlotWatch {
  readonly #found = new Set<string>();
  #looks = 0;
  #isStopped = false;
  readonly #ended: Promise<void>;

  constructor(pool: Pool) {
    this.#ended = this.#watch(pool);
  }

  /** What was wrong at some moment. Error: it never got to look. */
  async stop(): Promise<string[]> {
    this.#isStopped = true;
    await this.#ended;
    if (this.#looks === 0) throw new Error("nobody looked at the slots");
    return [...this.#found];
  }

  async #watch(pool: Pool): Promise<void> {
    while (!this.#isStopped) {
      // The server may be away: then there is nothing to see.
      const reply = await pool.query<{ wrong: string }>(WRONG).catch((error: unknown) => error as { code?: string });
      if ("rows" in reply) {
        this.#looks += 1;
        for (const { wrong } of reply.rows) this.#found.add(wrong);
      } else if (/^(22|42)/.test(reply.code ?? "")) throw reply;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
