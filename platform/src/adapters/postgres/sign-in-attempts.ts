import { createHash } from "node:crypto";
import type pg from "pg";
import type { AttemptStore } from "../../accounts/attempts.ts";

interface AttemptRow {
  key: string;
  attempts: number;
  wait_ms: number;
}

/** Fixed windows, counted in one statement: who counts at the same time waits for the row, and counts on. */
export function createAttemptStore(pool: pg.Pool): AttemptStore {
  return {
    async take(limits) {
      const keys = limits.map(({ key }) => hashed(key));
      // In one order, so that two who count the same keys do not wait for each other.
      const { rows } = await pool.query<AttemptRow>(
        `insert into sign_in_attempt as a (key, attempts, window_ends_at)
         select key, 1, now() + window_ms * interval '1 millisecond'
         from unnest($1::text[], $2::bigint[]) as t (key, window_ms) order by key
         on conflict (key) do update set
           attempts = case when a.window_ends_at <= now() then 1 else least(a.attempts, 1000000) + 1 end,
           window_ends_at = case when a.window_ends_at <= now() then excluded.window_ends_at else a.window_ends_at end
         returning key, attempts, (extract(epoch from window_ends_at - now()) * 1000)::float8 as wait_ms`,
        [keys, limits.map(({ windowMs }) => windowMs)],
      );
      const waits = rows.map((row) => {
        const limit = limits[keys.indexOf(row.key)];
        return limit !== undefined && row.attempts > limit.attempts ? Math.max(1, row.wait_ms) : 0;
      });
      return Math.max(0, ...waits);
    },

    async forget(keys) {
      await pool.query("delete from sign_in_attempt where key = any ($1)", [keys.map(hashed)]);
    },
  };
}

/** People type passwords into the wrong field: what was typed is not kept. */
function hashed(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}
