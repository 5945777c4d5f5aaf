/**
 * The platform's API as a run in a unit test sees it: triggers are noted, tags added, everything else refused.
 *
 * It stands behind the client's `fetch`, so `myTask.trigger`, `tasks.trigger` and `batch.trigger` all arrive here as
 * they would at a platform, payload encoded and decoded again.
 */
import { decodeValue } from "../client/packet.ts";

/** A run that the task started. */
export interface TriggerCall {
  taskId: string;
  payload: unknown;
  /** As they are sent to the API, without the payload's type. */
  options: Record<string, unknown>;
}

/** Called for each trigger; may give the new run's id, or throw to let the trigger fail. */
export type OnTrigger = (call: TriggerCall) => { id?: string } | void | Promise<{ id?: string } | void>;

export class TestApi {
  readonly triggered: TriggerCall[] = [];
  readonly tags: string[] = [];
  readonly #onTrigger: OnTrigger | undefined;
  #batches = 0;

  constructor(onTrigger: OnTrigger | undefined) {
    this.#onTrigger = onTrigger;
  }

  readonly fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    const body = typeof init?.body === "string" ? init.body : "";
    try {
      return (await this.#answer(pathname, body)) ?? refused(pathname);
    } catch (error) {
      return reply(422, { error: error instanceof Error ? error.message : String(error), code: "ON_TRIGGER_THREW" });
    }
  };

  async #answer(pathname: string, body: string): Promise<Response | undefined> {
    const [, taskId] = /^\/api\/v1\/tasks\/([^/]+)\/trigger$/.exec(pathname) ?? [];
    if (taskId !== undefined) return this.#trigger(decodeURIComponent(taskId), JSON.parse(body));
    if (pathname === "/api/v3/batches") return this.#createBatch(JSON.parse(body));
    if (/^\/api\/v3\/batches\/[^/]+\/items$/.test(pathname)) return this.#addItems(body);
    if (/^\/api\/v1\/runs\/[^/]+\/tags$/.test(pathname)) return this.#addTags(JSON.parse(body));
    return undefined;
  }

  async #trigger(taskId: string, body: TriggerBody): Promise<Response> {
    const id = await this.#note(taskId, body);
    return reply(200, { id, isCached: false });
  }

  async #note(taskId: string, { payload, options }: TriggerBody): Promise<string> {
    const { payloadType, ...rest } = options ?? {};
    const call = { taskId, payload: decodeValue(payload, payloadType), options: rest };
    this.triggered.push(call);
    const made = await this.#onTrigger?.(call);
    return made?.id ?? `run_test${this.triggered.length}`;
  }

  #createBatch({ runCount }: { runCount: number }): Response {
    this.#batches += 1;
    return reply(202, { id: `batch_test${this.#batches}`, runCount, isCached: false });
  }

  async #addItems(ndjson: string): Promise<Response> {
    const items = ndjson.trim().split("\n");
    for (const line of items) {
      const item = JSON.parse(line) as TriggerBody & { task: string };
      await this.#note(item.task, item);
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

function refused(pathname: string): Response {
  return reply(501, { error: `A unit test has no platform that answers ${pathname}.`, code: "NOT_IN_A_UNIT_TEST" });
}

function reply(status: number, body: object): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json", "x-trigger-jwt": "test", "x-should-retry": "false" },
  });
}
