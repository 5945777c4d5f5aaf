/**
 * The platform's API as a run in a unit test sees it: triggers are noted, tags added, tokens kept, everything else refused.
 *
 * It stands behind the client's `fetch`, so `myTask.trigger`, `tasks.trigger` and `batch.trigger` all arrive here as
 * they would at a platform, payload encoded and decoded again.
 */
import superjson from "superjson";
import { decodeValue } from "../client/packet.ts";
import { isAnswer, type StoredAnswer, storedAnswer, type TestAnswer } from "./test-answers.ts";
import type { TestStreams } from "./test-streams.ts";
import type { TestTokens } from "./test-tokens.ts";

/** A run that the task started. */
export interface TriggerCall {
  taskId: string;
  payload: unknown;
  /** As they are sent to the API, without the payload's type. */
  options: Record<string, unknown>;
}

/**
 * Called for each trigger; may give the new run's id, or throw to let the trigger fail. Where the task waits for the run,
 * `output` or `error` says how it ends.
 */
export type OnTrigger = (
  call: TriggerCall,
) => ({ id?: string } & TestAnswer) | void | Promise<({ id?: string } & TestAnswer) | void>;

/** A run that the task started, and how it ends; undefined: the test does not say. */
export interface TestChild {
  id: string;
  taskId: string;
  payload: unknown;
  answer: StoredAnswer | undefined;
}

export class TestApi {
  readonly triggered: TriggerCall[] = [];
  readonly tags: string[] = [];
  readonly children = new Map<string, TestChild>();
  /** Ids of the runs of each batch. */
  readonly batches = new Map<string, string[]>();
  readonly #onTrigger: OnTrigger | undefined;
  readonly #tokens: TestTokens;
  readonly #streams: TestStreams;

  constructor(onTrigger: OnTrigger | undefined, tokens: TestTokens, streams: TestStreams) {
    this.#onTrigger = onTrigger;
    this.#tokens = tokens;
    this.#streams = streams;
  }

  readonly fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const url = new URL(input instanceof Request ? input.url : input);
    const { pathname } = url;
    const body = typeof init?.body === "string" ? init.body : "";
    try {
      const ofStreams = this.#streams.answer(init?.method ?? "GET", url, body, init?.signal ?? undefined);
      if (ofStreams) return ofStreams;
      return (await this.#answer(pathname, body)) ?? this.#answerOfWaits(pathname, body) ?? refused(pathname);
    } catch (error) {
      return reply(422, { error: error instanceof Error ? error.message : String(error), code: "ON_TRIGGER_THREW" });
    }
  };

  async #answer(pathname: string, body: string): Promise<Response | undefined> {
    const [, taskId] = /^\/api\/v1\/tasks\/([^/]+)\/trigger$/.exec(pathname) ?? [];
    if (taskId !== undefined) return this.#trigger(decodeURIComponent(taskId), JSON.parse(body));
    if (pathname === "/api/v3/batches") return this.#createBatch(JSON.parse(body));
    const [, batchId] = /^\/api\/v3\/batches\/([^/]+)\/items$/.exec(pathname) ?? [];
    if (batchId !== undefined) return this.#addItems(batchId, body);
    if (/^\/api\/v1\/runs\/[^/]+\/tags$/.test(pathname)) return this.#addTags(JSON.parse(body));
    return undefined;
  }

  #answerOfWaits(pathname: string, body: string): Response | undefined {
    const tokens = "/api/v1/waitpoints/tokens";
    if (pathname === tokens && body !== "") return reply(200, this.#tokens.create(JSON.parse(body)));
    const [, tokenId, complete] = new RegExp(`^${tokens}/([^/]+)(/complete)?$`).exec(pathname) ?? [];
    if (tokenId !== undefined && complete) return reply(200, this.#tokens.complete(tokenId, JSON.parse(body)));
    if (tokenId !== undefined) return reply(200, this.#tokens.retrieve(tokenId));
    const [, runId] = /^\/api\/v3\/runs\/([^/]+)$/.exec(pathname) ?? [];
    const child = runId === undefined ? undefined : this.children.get(runId);
    return child?.answer ? reply(200, runReply(child, child.answer)) : undefined;
  }

  async #trigger(taskId: string, body: TriggerBody): Promise<Response> {
    const id = await this.#note(taskId, body);
    return reply(200, { id, isCached: false });
  }

  async #note(taskId: string, { payload, options }: TriggerBody): Promise<string> {
    const { payloadType, ...rest } = options ?? {};
    const call = { taskId, payload: decodeValue(payload, payloadType), options: rest };
    this.triggered.push(call);
    const number = this.triggered.length;
    const made = await this.#onTrigger?.(call);
    const id = made?.id ?? `run_test${number}`;
    const answer = made && isAnswer(made) ? storedAnswer(made) : undefined;
    this.children.set(id, { id, taskId, payload: call.payload, answer });
    return id;
  }

  #createBatch({ runCount }: { runCount: number }): Response {
    const id = `batch_test${this.batches.size + 1}`;
    this.batches.set(id, []);
    return reply(202, { id, runCount, isCached: false });
  }

  async #addItems(batchId: string, ndjson: string): Promise<Response> {
    const items = ndjson.trim().split("\n");
    for (const line of items) {
      const item = JSON.parse(line) as TriggerBody & { task: string };
      this.batches.get(batchId)?.push(await this.#note(item.task, item));
    }
    return reply(200, { itemsAccepted: items.length, sealed: true });
  }

  #addTags({ tags }: { tags: string | string[] }): Response {
    this.tags.push(...[tags].flat());
    return reply(200, { message: "Tags added." });
  }
}

interface TriggerBody {
  payload?: string;
  options?: { payloadType?: string } & Record<string, unknown>;
}

/** A child as `runs.retrieve` and `triggerAndSubscribe` read it. */
function runReply({ id, taskId }: TestChild, { ok, value, valueType, error }: StoredAnswer): object {
  const { json, meta } = superjson.serialize(decodeValue(value, valueType));
  return {
    id,
    taskIdentifier: taskId,
    status: ok ? "COMPLETED" : "FAILED",
    isCompleted: true,
    isSuccess: ok,
    isFailed: !ok,
    relatedRuns: {},
    ...(ok ? { output: json, outputMeta: meta } : { error: { ...error, stackTrace: error?.stack } }),
  };
}

function refused(pathname: string): Response {
  return reply(501, { error: `A unit test has no platform that answers ${pathname}.`, code: "NOT_IN_A_UNIT_TEST" });
}

function reply(status: number, body: object): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json", "x-trigger-jwt": "test", "x-should-retry": "false" },
  });
}
