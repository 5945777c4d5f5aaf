import { ApiClient } from "./api-client.ts";
import { bulkRuns } from "./bulk-actions.ts";
import { pause } from "./http.ts";
import type { RunCounts, StatsItem } from "./insight-replies.ts";
import { type CountRunsParams, insightsApi, type RunStatsParams } from "./insights.ts";
import type { ListRunsParams } from "./list-query.ts";
import { encodeValue } from "./packet.ts";
import type { PagePromise } from "./page.ts";
import type { RetrievedRun, RunEventItem, RunExplanation, RunListItem } from "./replies.ts";
import type { RequestOptions } from "./request-options.ts";
import type { AnyRunHandle, AnyTask, InferOutput, InferPayload, TriggerOptions } from "./run-handle.ts";
import { fetchStream, subscribeToBatch, subscribeToRun, subscribeToRunsWithTag } from "./run-subscriptions.ts";

type RunOf<T> = RetrievedRun<InferPayload<T>, InferOutput<T>>;
export type RunReference = string | { id: string };

export interface PollOptions {
  /** Milliseconds between two looks. Default 1000. */
  pollIntervalMs?: number | undefined;
}

/** The options of the new run that differ from those of the old one. */
export interface ReplayOptions extends TriggerOptions {
  payload?: unknown;
  queue?: string | undefined;
}

/** A run with payload, output and error; typed by its handle, or by `retrieve<typeof myTask>(id)`. */
async function retrieve<T extends AnyRunHandle>(run: T, requestOptions?: RequestOptions): Promise<RunOf<T>>;
async function retrieve<T extends AnyTask = AnyTask>(
  run: RunReference,
  requestOptions?: RequestOptions,
): Promise<RunOf<T>>;
async function retrieve(run: RunReference, requestOptions?: RequestOptions): Promise<RunOf<AnyTask>> {
  return (await ApiClient.forCall(requestOptions).retrieveRun(idOf(run))) as RunOf<AnyTask>;
}

/** Looks until the run has ended, well or not. Errors: as `retrieve`; the signal's reason where it is aborted. */
async function poll<T extends AnyRunHandle>(
  run: T,
  options?: PollOptions,
  requestOptions?: RequestOptions,
): Promise<RunOf<T>>;
async function poll<T extends AnyTask = AnyTask>(
  run: RunReference,
  options?: PollOptions,
  requestOptions?: RequestOptions,
): Promise<RunOf<T>>;
async function poll(
  run: RunReference,
  options: PollOptions = {},
  requestOptions?: RequestOptions,
): Promise<RunOf<AnyTask>> {
  const intervalMs = options.pollIntervalMs ?? 1000;
  for (let looks = 0; ; looks++) {
    const found = await retrieve(run, requestOptions);
    if (found.isCompleted) return found;
    // Most runs are short: the first looks come sooner, the later ones at the interval.
    await pause(Math.min(intervalMs, 50 * 2 ** looks), requestOptions?.signal);
  }
}

/** Runs, newest first; `for await (const run of runs.list({ status: "FAILED" }))` goes through all pages. */
function list(params?: ListRunsParams, requestOptions?: RequestOptions): PagePromise<RunListItem> {
  return ApiClient.forCall(requestOptions).listRuns(params);
}

/** How many runs match, by status; a count stops at 10,000. */
async function count(params?: CountRunsParams, requestOptions?: RequestOptions): Promise<RunCounts> {
  return insightsApi(ApiClient.forCall(requestOptions)).countRuns(params);
}

/** Volume, failures and durations of the runs that ended lately. */
async function stats(params?: RunStatsParams, requestOptions?: RequestOptions): Promise<StatsItem> {
  return insightsApi(ApiClient.forCall(requestOptions)).runStats(params);
}

/** Asks the run to end: at once where it waits, else its process is told. Canceling an ended run changes nothing. */
async function cancel(run: RunReference, requestOptions?: RequestOptions): Promise<{ id: string }> {
  return ApiClient.forCall(requestOptions).cancelRun(idOf(run));
}

/** A new run of the same task with the same payload and options, those given here on top. */
async function replay(
  run: RunReference,
  options?: ReplayOptions | RequestOptions,
  requestOptions?: RequestOptions,
): Promise<{ id: string }> {
  if (options !== undefined && isRequestOptions(options)) return replay(run, undefined, options);
  const body = options === undefined ? undefined : replayBody(options as ReplayOptions);
  return ApiClient.forCall(requestOptions).replayRun(idOf(run), body);
}

/** Gives a DELAYED run another time. */
async function reschedule(
  run: RunReference,
  body: { delay: string | Date },
  requestOptions?: RequestOptions,
): Promise<RetrievedRun<unknown, unknown>> {
  return ApiClient.forCall(requestOptions).rescheduleRun(idOf(run), body);
}

async function addTags(
  run: RunReference,
  tags: string | string[],
  requestOptions?: RequestOptions,
): Promise<{ message: string }> {
  return ApiClient.forCall(requestOptions).addTags(idOf(run), tags);
}

/** What holds the run back, with a reason for each limit it meets. */
async function explain(run: RunReference, requestOptions?: RequestOptions): Promise<RunExplanation> {
  return ApiClient.forCall(requestOptions).explainRun(idOf(run));
}

/** Logs, output and lifecycle events, oldest first; `after` is the `cursor` of the last one you have. */
async function events(
  run: RunReference,
  page?: { after?: string | undefined; limit?: number | undefined },
  requestOptions?: RequestOptions,
): Promise<RunEventItem[]> {
  return ApiClient.forCall(requestOptions).listRunEvents(idOf(run), page);
}

function idOf(run: RunReference): string {
  return typeof run === "string" ? run : run.id;
}

const REQUEST_OPTIONS = new Set(["retry", "timeoutInMs", "signal", "additionalHeaders", "clientConfig", "fetch"]);

function isRequestOptions(options: object): options is RequestOptions {
  const names = Object.keys(options);
  return names.length > 0 && names.every((name) => REQUEST_OPTIONS.has(name));
}

function replayBody(options: ReplayOptions): object {
  const { payload, machine, ...rest } = options;
  const name = typeof machine === "object" ? machine.preset : machine;
  if (!("payload" in options)) return { ...rest, machine: name };
  const encoded = encodeValue(payload);
  return { ...rest, machine: name, payload: encoded.data, payloadType: encoded.dataType };
}

export const runs = {
  retrieve,
  list,
  cancel,
  replay,
  reschedule,
  poll,
  addTags,
  explain,
  events,
  count,
  stats,
  bulk: bulkRuns,
  subscribeToRun,
  subscribeToRunsWithTag,
  subscribeToBatch,
  /** Trigger.dev's name for it. */
  subscribeToRunsInBatch: subscribeToBatch,
  fetchStream,
};
