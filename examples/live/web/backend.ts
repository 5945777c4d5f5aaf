/** Where the platform is. Our backend says it, never the address bar: tokens are sent there. */
export async function platformUrl(): Promise<string> {
  return ((await (await fetch("/api/config")).json()) as { apiUrl: string }).apiUrl;
}

/** Returns the id of the import's run. */
export async function startImport(csv: string): Promise<string> {
  const started = await post<{ runId: string }>("/api/imports", { headers: { "content-type": "text/csv" }, body: csv });
  return started.runId;
}

/** A token that may read this run for a quarter of an hour. */
export async function tokenFor(runId: string): Promise<string> {
  return (await post<{ token: string }>(`/api/imports/${encodeURIComponent(runId)}/token`)).token;
}

export async function cancelImport(runId: string): Promise<void> {
  await post(`/api/imports/${encodeURIComponent(runId)}/cancel`);
}

async function post<T>(path: string, init?: RequestInit): Promise<T> {
  const response = await fetch(path, { method: "POST", ...init });
  const body = (await response.json().catch(() => ({}))) as { error?: string };
  if (!response.ok) throw new Error(body.error ?? `The server answered ${response.status}.`);
  return body as T;
}
