/** An import that was started: its run, and where the platform is. */
export interface StartedImport {
  runId: string;
  apiUrl: string;
}

export function startImport(csv: string): Promise<StartedImport> {
  return post("/api/imports", { headers: { "content-type": "text/csv" }, body: csv });
}

/** A token that may read this run for a quarter of an hour. */
export async function tokenFor(runId: string): Promise<string> {
  return (await post<{ token: string }>(`/api/imports/${runId}/token`)).token;
}

export async function cancelImport(runId: string): Promise<void> {
  await post(`/api/imports/${runId}/cancel`);
}

async function post<T>(path: string, init?: RequestInit): Promise<T> {
  const response = await fetch(path, { method: "POST", ...init });
  const body = (await response.json().catch(() => ({}))) as { error?: string };
  if (!response.ok) throw new Error(body.error ?? `The server answered ${response.status}.`);
  return body as T;
}
