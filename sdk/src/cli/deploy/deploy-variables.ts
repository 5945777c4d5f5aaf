import type { ApiClient } from "../../client/api-client.ts";
import { PermissionDeniedError } from "../../client/api-error.ts";
import { REDACTED, type VariableReply } from "../../contract/api/variables.ts";
import type { ImageNeeds } from "../bundle/image-needs-policy.ts";

function variablesPath(project: string, environment: string): string {
  return `/api/v1/projects/${encodeURIComponent(project)}/envvars/${encodeURIComponent(environment)}`;
}

/** The environment's variables as far as they are shown; none where the token may not read them. */
export async function readVariables(
  api: ApiClient,
  project: string,
  environment: string,
): Promise<Record<string, string>> {
  try {
    const found = await listVariables(api, project, environment);
    const shown = found.filter(({ value }) => value !== REDACTED);
    return Object.fromEntries(shown.map(({ name, value }) => [name, value]));
  } catch (error) {
    if (error instanceof PermissionDeniedError) return {};
    throw error;
  }
}

/** Uploads what build extensions give; `override: false` leaves what is there. Returns how many were sent. */
export async function uploadVariables(
  api: ApiClient,
  project: string,
  environment: string,
  uploads: ImageNeeds["variables"],
): Promise<number> {
  let sent = 0;
  for (const { values, secrets, override } of uploads) {
    const taken = override ? [] : (await listVariables(api, project, environment)).map(({ name }) => name);
    for (const [all, isSecret] of [
      [values, false],
      [secrets, true],
    ] as const) {
      const variables = Object.fromEntries(Object.entries(all).filter(([name]) => !taken.includes(name)));
      const count = Object.keys(variables).length;
      if (count === 0) continue;
      const path = `${variablesPath(project, environment)}/import`;
      const json = { variables, override, ...(isSecret && { isSecret }) };
      await api.request({ method: "POST", path, json, repeatable: "always" });
      sent += count;
    }
  }
  return sent;
}

async function listVariables(api: ApiClient, project: string, environment: string): Promise<VariableReply[]> {
  const path = variablesPath(project, environment);
  return (await api.request<VariableReply[]>({ method: "GET", path, repeatable: "always" })).data;
}
