/** The next `YYYYMMDD.N` of an environment: N counts the versions of a day (UTC), from 1. Pure. */
export function nextVersion(now: Date, latest: string | undefined): string {
  const day = now.toISOString().slice(0, 10).replaceAll("-", "");
  const [latestDay, n] = latest?.split(".") ?? [];
  return latestDay === day ? `${day}.${Number(n) + 1}` : `${day}.1`;
}
