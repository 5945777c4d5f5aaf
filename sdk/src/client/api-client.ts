import type {
  Build,
  BuildLinesReply,
  CompleteTokenBody,
  CompleteTokenReply,
  CreateBatchReply,
  CreateTokenReply,
  Deployment,
  DeploymentDetail,
  EventsReply,
  JournalReply,
  Queue,
  RegisterDeploymentBody,
  RetrievedBatch,
  RetrievedToken,
  RunListReply,
  RunReply,
  TokenListReply,
} from "../contract/api/index.ts";
import type { Limits } from "../contract/index.ts";
import { type BatchUploadItem, uploadItems } from "./batch-upload.ts";
import { mergeOptions, normalizeBaseUrl, type ResolvedConfig, resolveConfig } from "./configuration.ts";
import { reviveDates } from "./dates.ts";
import { type HttpReply, type HttpRequest, send, sendForLines } from "./http.ts";
import { type ListRunsParams, type ListTokensParams, runsQuery, tokensQuery } from "./list-query.ts";
import { type PagePromise, pagePromise } from "./page.ts";
import type {
  BuildItem,
  BuildLineItem,
  DeploymentItem,
  DeploymentItemDetail,
  JournalItem,
  QueueItem,
  RetrievedBatchItem,
  RetrievedRun,
  RunEventItem,
  RunExplanation,
  RunListItem,
  TokenItem,
  WhoamiReply,
} from "./replies.ts";
import type { RequestOptions } from "./request-options.ts";
import { runFromReply } from "./run-reply.ts";
import { requestRun, requestTrigger, type TriggerReply } from "./run-request.ts";
import type { TriggerBody } from "./trigger-body.ts";

/** A queue by `queue_<id>`, or by its kind and name. */
export type QueueReference = string | { type: "task" | "custom"; name: string };

export interface CreateBatchBody {
  runCount: number;
  /** Checked at once, so that a mistyped id is an error here and not one per item. */
  taskIdentifiers?: string[] | undefined;
  parentRunId?: string | undefined;
  idempotencyKey?: string | undefined;
  idempotencyKeyOptions?: unknown;
}

export interface CreateTokenFields {
  timeout?: string | undefined;
  idempotencyKey?: string | undefined;
  idempotencyKeyTTL?: string | undefined;
  tags?: string | string[] | undefined;
}

/** Every call of the API, one method each. The namespaces of the SDK and the CLI stand on it. */
export class ApiClient {
  readonly #config: ResolvedConfig;

  constructor(config: { baseUrl: string; token: string; requestOptions?: RequestOptions }) {
    this.#config = {
      baseUrl: normalizeBaseUrl(config.baseUrl),
      token: config.token,
      requestOptions: config.requestOptions ?? {},
    };
  }

  /** The client of a call, by its options, the scope, the run and the environment. */
  static forCall(options?: RequestOptions): ApiClient {
    return new ApiClient(resolveConfig(options));
  }

  get baseUrl(): string {
    return this.#config.baseUrl;
  }

  /** Any request that has no method of its own yet. */
  async request<T>(request: HttpRequest, options?: RequestOptions): Promise<HttpReply<T>> {
    const requestOptions = mergeOptions(this.#config.requestOptions, options);
    return send<T>({ ...this.#config, requestOptions }, request);
  }

  /** Any request that is answered in NDJSON: its lines as they come. */
  lines<T>(request: HttpRequest, options?: RequestOptions): AsyncGenerator<T, void> {
    const requestOptions = mergeOptions(this.#config.requestOptions, options);
    return sendForLines<T>({ ...this.#config, requestOptions }, request);
  }

  triggerTask(taskId: string, body: TriggerBody): Promise<TriggerReply> {
    return requestTrigger(this.#config, taskId, body);
  }

  /** An empty batch; a repeated request leaves one behind that is never filled, which is harmless. */
  async createBatch(body: CreateBatchBody): Promise<TriggerReply & { runCount: number }> {
    const { data, headers } = await this.request<CreateBatchReply>({
      method: "POST",
      path: "/api/v3/batches",
      json: body,
      repeatable: "always",
    });
    return { ...data, publicAccessToken: headers.get("x-trigger-jwt") ?? "" };
  }

  async addBatchItems(batchId: string, items: BatchUploadItem[]): Promise<void> {
    await uploadItems(this.#config, batchId, items);
  }

  async retrieveBatch(batchId: string): Promise<RetrievedBatchItem> {
    const batch = await this.#get<RetrievedBatch>(`/api/v2/batches/${encodeURIComponent(batchId)}`);
    return { ...reviveDates(batch), processing: reviveDates(batch.processing) };
  }

  retrieveRun(runId: string): Promise<RetrievedRun<unknown, unknown>> {
    return requestRun(this.#config, runId);
  }

  listRuns(params: ListRunsParams = {}): PagePromise<RunListItem> {
    const query = {
      ...runsQuery(params),
      "page[size]": params.limit,
      "page[after]": params.after,
      "page[before]": params.before,
    };
    const at = (cursor: Pick<ListRunsParams, "after" | "before">) =>
      this.listRuns({ ...params, after: undefined, before: undefined, ...cursor });
    return pagePromise(
      this.#get<RunListReply>("/api/v1/runs", query).then(({ data, pagination }) => ({
        data: data.map((item) => reviveDates(item)),
        next: pagination.next ? () => at({ after: pagination.next }) : undefined,
        previous: pagination.previous ? () => at({ before: pagination.previous }) : undefined,
      })),
    );
  }

  cancelRun(runId: string, reason?: string): Promise<{ id: string }> {
    return this.#post(runPath(runId, "/cancel", "v2"), reason === undefined ? undefined : { reason });
  }

  replayRun(runId: string, body?: object): Promise<{ id: string }> {
    const isKeyed = body !== undefined && "idempotencyKey" in body && body.idempotencyKey !== undefined;
    return this.#post(runPath(runId, "/replay"), body, isKeyed ? "always" : "undelivered");
  }

  async rescheduleRun(runId: string, body: { delay: string | Date }): Promise<RetrievedRun<unknown, unknown>> {
    return runFromReply(await this.#post<RunReply>(runPath(runId, "/reschedule"), body), this.#config);
  }

  addTags(runId: string, tags: string | string[]): Promise<{ message: string }> {
    return this.#post(runPath(runId, "/tags"), { tags });
  }

  explainRun(runId: string): Promise<RunExplanation> {
    return this.#get(runPath(runId, "/explain"));
  }

  /** Logs, output and events, oldest first, after a cursor. */
  async listRunEvents(
    runId: string,
    page: { after?: string | undefined; limit?: number | undefined } = {},
  ): Promise<RunEventItem[]> {
    return reviveDates((await this.#get<EventsReply>(runPath(runId, "/events"), page)).events);
  }

  /** A run's durable calls in the order of their numbers, all pages of them. */
  async runJournal(runId: string): Promise<JournalItem[]> {
    const entries: JournalItem[] = [];
    for (let after: number | undefined; ; ) {
      const page = await this.#get<JournalReply>(runPath(runId, "/journal"), { after });
      entries.push(...page.entries.map((entry) => reviveDates(entry)));
      if (page.next === undefined) return entries;
      after = page.next;
    }
  }

  async createToken(fields: CreateTokenFields): Promise<CreateTokenReply & { publicAccessToken: string }> {
    const { data, headers } = await this.request<CreateTokenReply>({
      method: "POST",
      path: "/api/v1/waitpoints/tokens",
      json: fields,
      repeatable: fields.idempotencyKey === undefined ? "undelivered" : "always",
    });
    return { ...data, publicAccessToken: headers.get("x-trigger-jwt") ?? "" };
  }

  async retrieveToken(
    id: string,
  ): Promise<TokenItem & Pick<RetrievedToken, "output" | "outputType" | "outputIsError">> {
    return reviveDates(await this.#get<RetrievedToken>(tokenPath(id)));
  }

  completeToken(id: string, body: CompleteTokenBody): Promise<CompleteTokenReply> {
    return this.#post(tokenPath(id, "/complete"), body);
  }

  listTokens(params: ListTokensParams = {}): PagePromise<TokenItem> {
    const at = (cursor: Pick<ListTokensParams, "after" | "before">) =>
      this.listTokens({ ...params, after: undefined, before: undefined, ...cursor });
    return pagePromise(
      this.#get<TokenListReply>("/api/v1/waitpoints/tokens", tokensQuery(params)).then(({ data, pagination }) => ({
        data: data.map((item) => reviveDates(item)),
        next: pagination.next ? () => at({ after: pagination.next }) : undefined,
        previous: pagination.previous ? () => at({ before: pagination.previous }) : undefined,
      })),
    );
  }

  /** Ends a run as SYSTEM_FAILURE whatever its worker does. */
  forceFailRun(runId: string, reason: string): Promise<{ id: string }> {
    return this.#post(runPath(runId, "/force-fail"), { reason });
  }

  resetIdempotencyKey(taskIdentifier: string, key: string): Promise<{ id: string }> {
    return this.#post(`/api/v1/idempotencyKeys/${encodeURIComponent(key)}/reset`, { taskIdentifier });
  }

  listQueues(page: { page?: number | undefined; perPage?: number | undefined } = {}): PagePromise<QueueItem> {
    return pagePromise(
      this.#get<OffsetReply<Queue>>("/api/v1/queues", page).then(({ data, pagination }) => {
        const to = (number: number) => () => this.listQueues({ ...page, page: number });
        const { currentPage, totalPages } = pagination;
        return {
          data: data.map(queueFromReply),
          next: currentPage < totalPages ? to(currentPage + 1) : undefined,
          previous: currentPage > 1 ? to(currentPage - 1) : undefined,
        };
      }),
    );
  }

  async retrieveQueue(queue: QueueReference): Promise<QueueItem> {
    return queueFromReply(await this.#get<Queue>(queuePath(queue), { type: queueType(queue) }));
  }

  async pauseQueue(queue: QueueReference, action: "pause" | "resume"): Promise<QueueItem> {
    return queueFromReply(await this.#post<Queue>(queuePath(queue, "/pause"), { type: queueType(queue), action }));
  }

  async overrideQueueConcurrencyLimit(queue: QueueReference, concurrencyLimit: number): Promise<QueueItem> {
    const body = { type: queueType(queue), concurrencyLimit };
    return queueFromReply(await this.#post<Queue>(queuePath(queue, "/concurrency/override"), body));
  }

  async resetQueueConcurrencyLimit(queue: QueueReference): Promise<QueueItem> {
    return queueFromReply(await this.#post<Queue>(queuePath(queue, "/concurrency/reset"), { type: queueType(queue) }));
  }

  /** Registering the same content again answers with the version that is there. */
  async registerDeployment(body: RegisterDeploymentBody): Promise<DeploymentItem> {
    return reviveDates(await this.#post<Deployment>("/api/v1/deployments", body));
  }

  promoteDeployment(version: string): Promise<{ id: string; version: string; shortCode: string }> {
    return this.#post(`/api/v1/deployments/${encodeURIComponent(version)}/promote`);
  }

  async retrieveDeployment(idOrVersion: string): Promise<DeploymentItemDetail> {
    return reviveDates(await this.#get<DeploymentDetail>(`/api/v1/deployments/${encodeURIComponent(idOrVersion)}`));
  }

  async retrieveCurrentDeployment(): Promise<DeploymentItem> {
    return reviveDates(await this.#get<Deployment>("/api/v1/deployments/current"));
  }

  listDeployments(page: { limit?: number | undefined; after?: string | undefined } = {}): PagePromise<DeploymentItem> {
    const query = { "page[size]": page.limit, "page[after]": page.after };
    return pagePromise(
      this.#get<CursorReply<Deployment>>("/api/v1/deployments", query).then(({ data, pagination }) => ({
        data: data.map((item) => reviveDates(item)),
        next: pagination.next ? () => this.listDeployments({ ...page, after: pagination.next }) : undefined,
        previous: undefined,
      })),
    );
  }

  /** The latest builds of images, newest first. */
  async listBuilds(query: { version?: string | undefined; limit?: number | undefined } = {}): Promise<BuildItem[]> {
    const { data } = await this.#get<{ data: Build[] }>("/api/v1/builds", query);
    return data.map((build) => reviveDates(build));
  }

  /** What a build says, from an index; while it is BUILDING more may follow `next`. */
  async buildLines(buildId: string, from = 0): Promise<{ build: BuildItem; lines: BuildLineItem[]; next: number }> {
    const path = `/api/v1/builds/${encodeURIComponent(buildId)}/lines`;
    const { build, lines, next } = await this.#get<BuildLinesReply>(path, { from });
    return { build: reviveDates(build), lines: lines.map((line) => reviveDates(line)), next };
  }

  createPublicToken(body: object): Promise<{ token: string }> {
    return this.#post("/api/v1/auth/public-tokens", body);
  }

  whoami(): Promise<WhoamiReply> {
    return this.#get("/api/v2/whoami");
  }

  /** Every limit of the key's environment as it is now. */
  limits(): Promise<Limits> {
    return this.#get("/api/v1/limits");
  }

  /** Changes the limits given here, leaves the others. */
  async setLimits(limits: Partial<Limits>): Promise<Limits> {
    const request: HttpRequest = { method: "PUT", path: "/api/v1/limits", json: limits, repeatable: "always" };
    return (await this.request<Limits>(request)).data;
  }

  /** Stops (or resumes) admissions in the key's environment; what executes goes on. */
  pauseEnvironment(paused: boolean): Promise<{ success: true }> {
    return this.#post(`/api/v1/environment/${paused ? "pause" : "resume"}`);
  }

  async #get<T>(path: string, query?: HttpRequest["query"]): Promise<T> {
    const request: HttpRequest = { method: "GET", path, repeatable: "always", ...(query && { query }) };
    return (await this.request<T>(request)).data;
  }

  async #post<T>(path: string, json?: unknown, repeatable: HttpRequest["repeatable"] = "always"): Promise<T> {
    return (await this.request<T>({ method: "POST", path, json, repeatable })).data;
  }
}

interface CursorReply<T> {
  data: T[];
  pagination: { next?: string | undefined; previous?: string | undefined };
}
interface OffsetReply<T> {
  data: T[];
  pagination: { currentPage: number; totalPages: number; count: number };
}

function runPath(runId: string, rest: string, version = "v1"): string {
  return `/api/${version}/runs/${encodeURIComponent(runId)}${rest}`;
}

function tokenPath(id: string, rest = ""): string {
  return `/api/v1/waitpoints/tokens/${encodeURIComponent(id)}${rest}`;
}

function queuePath(queue: QueueReference, rest = ""): string {
  const name = typeof queue === "string" ? queue : queue.name;
  return `/api/v1/queues/${encodeURIComponent(name.replaceAll("/", "%2F"))}${rest}`;
}

function queueType(queue: QueueReference): string {
  return typeof queue === "string" ? "id" : queue.type;
}

function queueFromReply(queue: Queue): QueueItem {
  return { ...reviveDates(queue), concurrency: reviveDates(queue.concurrency) };
}
