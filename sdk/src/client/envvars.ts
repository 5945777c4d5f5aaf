import type { VariableReply } from "../contract/api/variables.ts";
import { ApiClient } from "./api-client.ts";
import { ConfigurationError } from "./api-error.ts";
import { currentRun } from "./current-run.ts";
import { reviveDates } from "./dates.ts";
import type { RequestOptions } from "./request-options.ts";

/** A variable of an environment; the value of a secret is `<redacted>`. */
export interface EnvironmentVariable {
  name: string;
  value: string;
  isSecret: boolean;
  updatedAt: Date;
}
export interface CreateEnvironmentVariableParams {
  name: string;
  value: string;
  isSecret?: boolean | undefined;
}
export interface UpdateEnvironmentVariableParams {
  value: string;
  isSecret?: boolean | undefined;
}
export interface ImportEnvironmentVariablesParams {
  variables: Record<string, string>;
  /** Replaces what is there; else a variable that is there refuses all. Default false. */
  override?: boolean | undefined;
  isSecret?: boolean | undefined;
}

/** Which environment is meant: both parts, or inside a run neither, which means the run's own. */
interface Place {
  projectRef: string;
  slug: string;
}
type Json = Record<string, unknown> | undefined;

/** The environment's variables, by name. Inside a run `list()` is its own environment's. */
function list(projectRef: string, slug: string, requestOptions?: RequestOptions): Promise<EnvironmentVariable[]>;
function list(requestOptions?: RequestOptions): Promise<EnvironmentVariable[]>;
async function list(
  first?: string | RequestOptions,
  slug?: string,
  options?: RequestOptions,
): Promise<EnvironmentVariable[]> {
  const isNamed = typeof first === "string";
  const replies = await call<VariableReply[]>(
    "GET",
    place(isNamed ? first : undefined, slug),
    "",
    undefined,
    isNamed ? options : first,
  );
  return replies.map((reply) => reviveDates(reply) as unknown as EnvironmentVariable);
}

/** One variable. Errors: VARIABLE_NOT_FOUND. */
function retrieve(
  projectRef: string,
  slug: string,
  name: string,
  requestOptions?: RequestOptions,
): Promise<EnvironmentVariable>;
function retrieve(name: string, requestOptions?: RequestOptions): Promise<EnvironmentVariable>;
async function retrieve(...given: unknown[]): Promise<EnvironmentVariable> {
  const { at, name, options } = named(given);
  return reviveDates(
    await call<VariableReply>("GET", at, `/${encodeURIComponent(name)}`, undefined, options),
  ) as unknown as EnvironmentVariable;
}

/** Makes a variable. Errors: VARIABLE_EXISTS, VALIDATION_FAILED. */
function create(
  projectRef: string,
  slug: string,
  params: CreateEnvironmentVariableParams,
  requestOptions?: RequestOptions,
): Promise<{ success: boolean }>;
function create(
  params: CreateEnvironmentVariableParams,
  requestOptions?: RequestOptions,
): Promise<{ success: boolean }>;
async function create(...given: unknown[]): Promise<{ success: boolean }> {
  const { at, params, options } = placed(given);
  return call("POST", at, "", params, options);
}

/** Changes a variable that is there. Errors: VARIABLE_NOT_FOUND, VALIDATION_FAILED. */
function update(
  projectRef: string,
  slug: string,
  name: string,
  params: UpdateEnvironmentVariableParams,
  requestOptions?: RequestOptions,
): Promise<{ success: boolean }>;
function update(
  name: string,
  params: UpdateEnvironmentVariableParams,
  requestOptions?: RequestOptions,
): Promise<{ success: boolean }>;
async function update(...given: unknown[]): Promise<{ success: boolean }> {
  const isNamed = typeof given[1] === "string";
  const [params, options] = given.slice(isNamed ? 3 : 1) as [Json, RequestOptions?];
  const { at, name } = named(isNamed ? given.slice(0, 3) : given.slice(0, 1));
  return call("PUT", at, `/${encodeURIComponent(name)}`, params, options);
}

/** Removes a variable. Errors: VARIABLE_NOT_FOUND. */
function del(
  projectRef: string,
  slug: string,
  name: string,
  requestOptions?: RequestOptions,
): Promise<{ success: boolean }>;
function del(name: string, requestOptions?: RequestOptions): Promise<{ success: boolean }>;
async function del(...given: unknown[]): Promise<{ success: boolean }> {
  const { at, name, options } = named(given);
  return call("DELETE", at, `/${encodeURIComponent(name)}`, undefined, options);
}

/** Sets many variables at once, all or none. Errors: VARIABLE_EXISTS, VALIDATION_FAILED. */
function upload(
  projectRef: string,
  slug: string,
  params: ImportEnvironmentVariablesParams,
  requestOptions?: RequestOptions,
): Promise<{ success: boolean }>;
function upload(
  params: ImportEnvironmentVariablesParams,
  requestOptions?: RequestOptions,
): Promise<{ success: boolean }>;
async function upload(...given: unknown[]): Promise<{ success: boolean }> {
  const { at, params, options } = placed(given);
  return call("POST", at, "/import", params, options);
}

/** `(projectRef, slug, params, options?)` or `(params, options?)`. */
function placed(given: unknown[]): { at: Place; params: Json; options: RequestOptions | undefined } {
  const isNamed = typeof given[0] === "string";
  const [params, options] = given.slice(isNamed ? 2 : 0) as [Json, RequestOptions?];
  return { at: isNamed ? place(given[0] as string, given[1] as string) : place(), params, options };
}

/** `(projectRef, slug, name, options?)` or `(name, options?)`. */
function named(given: unknown[]): { at: Place; name: string; options: RequestOptions | undefined } {
  const isNamed = typeof given[2] === "string";
  const [name, options] = given.slice(isNamed ? 2 : 0) as [string, RequestOptions?];
  return { at: isNamed ? place(given[0] as string, given[1] as string) : place(), name, options };
}

function place(projectRef?: string, slug?: string): Place {
  const ctx = currentRun()?.ctx;
  const found = { projectRef: projectRef ?? ctx?.project?.ref, slug: slug ?? ctx?.environment?.slug };
  if (found.projectRef !== undefined && found.slug !== undefined) return found as Place;
  throw new ConfigurationError("Outside of a run, nothing says which environment's variables are meant.", {
    status: undefined,
    code: "ENVIRONMENT_MISSING",
    remedy: 'Name the project and the environment first: envvars.list("my-project", "prod").',
  });
}

async function call<T>(
  method: "GET" | "POST" | "PUT" | "DELETE",
  { projectRef, slug }: Place,
  rest: string,
  json: Json,
  options: RequestOptions | undefined,
): Promise<T> {
  const path = `/api/v1/projects/${encodeURIComponent(projectRef)}/envvars/${encodeURIComponent(slug)}${rest}`;
  // To set or to remove again what was set or removed changes nothing, but `create` would say that it is there already.
  const repeatable = method === "POST" && rest === "" ? "undelivered" : "always";
  const request = { method, path, repeatable, ...(json === undefined ? {} : { json }) } as const;
  return (await ApiClient.forCall(options).request<T>(request)).data;
}

export const envvars = { list, retrieve, create, update, del, upload };
