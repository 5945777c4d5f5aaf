import type { VariableReply } from "../contract/api/variables.ts";
import type { ApiClient } from "./api-client.ts";
import { reviveDates } from "./dates.ts";
import type {
  CreateEnvironmentVariableParams,
  EnvironmentVariable,
  ImportEnvironmentVariablesParams,
  UpdateEnvironmentVariableParams,
} from "./envvars.ts";

/** The variables of one environment, by one client; `envvars` is the same for task code. */
export function variablesApi(api: ApiClient, at: { project: string; environment: string }) {
  const base = `/api/v1/projects/${encodeURIComponent(at.project)}/envvars/${encodeURIComponent(at.environment)}`;
  const one = (name: string) => `${base}/${encodeURIComponent(name)}`;
  return {
    async list(): Promise<EnvironmentVariable[]> {
      const request = { method: "GET", path: base, repeatable: "always" } as const;
      return (await api.request<VariableReply[]>(request)).data.map((variable) => reviveDates(variable));
    },
    /** Errors: VARIABLE_EXISTS. */
    async create(params: CreateEnvironmentVariableParams): Promise<void> {
      await api.request({ method: "POST", path: base, json: params, repeatable: "undelivered" });
    },
    async update(name: string, params: UpdateEnvironmentVariableParams): Promise<void> {
      await api.request({ method: "PUT", path: one(name), json: params, repeatable: "always" });
    },
    async del(name: string): Promise<void> {
      await api.request({ method: "DELETE", path: one(name), repeatable: "undelivered" });
    },
    /** All or none. Errors: VARIABLE_EXISTS where one is there and `override` is not set. */
    async upload(params: ImportEnvironmentVariablesParams): Promise<void> {
      await api.request({ method: "POST", path: `${base}/import`, json: params, repeatable: "always" });
    },
  };
}
