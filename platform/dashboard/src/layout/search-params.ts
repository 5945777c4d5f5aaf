/**
 * Search parameters are plain strings, so that addresses can be read, typed and shared: `?status=FAILED,CRASHED&tag=user_1`.
 * A page reads its own with `useSearch({ strict: false })` and turns them into what it needs.
 */
export type SearchParams = Record<string, string>;

export function parseSearch(text: string): SearchParams {
  return Object.fromEntries(new URLSearchParams(text));
}

/** What is undefined or empty is left out; lists are joined by commas. */
export function stringifySearch(search: Record<string, unknown>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) {
    const text = Array.isArray(value) ? value.join(",") : value;
    if (text !== undefined && text !== null && text !== "" && text !== false) params.set(name, String(text));
  }
  const said = params.toString().replaceAll("%2C", ",").replaceAll("%3A", ":").replaceAll("%2F", "/");
  return said === "" ? "" : `?${said}`;
}
