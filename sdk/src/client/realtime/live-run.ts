import superjson, { type SuperJSONResult } from "superjson";
import type { LiveRun } from "../../contract/realtime.ts";
import type { ResolvedConfig } from "../configuration.ts";
import { type Revived, reviveDates } from "../dates.ts";
import type { AnyRunHandle, AnyTask, InferOutput, InferPayload } from "../run-handle.ts";
import { fetchValue } from "../run-reply.ts";

type Encoding =
  | "payloadType"
  | "payloadMeta"
  | "payloadPresignedUrl"
  | "outputType"
  | "outputMeta"
  | "outputPresignedUrl";

/** A run as it arrives, pushed or asked for. */
export type ArrivedRun = Omit<LiveRun, "env"> & Partial<Pick<LiveRun, "env">>;

/** A run as it is shown live. Of sets: without payload, output, attempts and error. */
export type RealtimeRun<T extends AnyTask | AnyRunHandle = AnyTask> = Omit<
  Revived<ArrivedRun>,
  Encoding | "payload" | "output"
> & {
  payload?: InferPayload<T> | undefined;
  output?: InferOutput<T> | undefined;
};

type Field = "payload" | "output";

/**
 * Dates made Dates, payload and output made values, large ones fetched from where they are. A run's payload never changes, so
 * it is decoded once: the value of `before` is kept.
 */
export async function decodeRun(
  live: ArrivedRun,
  before: RealtimeRun | undefined,
  config: ResolvedConfig,
): Promise<RealtimeRun> {
  const { payloadType, payloadMeta, payloadPresignedUrl, outputType, outputMeta, outputPresignedUrl, ...rest } = live;
  // The reply of the REST API has them; here they would be out of date with the next update.
  const {
    payload: _payload,
    output: _output,
    relatedRuns: _related,
    ...run
  } = rest as typeof rest & { relatedRuns?: unknown };
  const [payload, output] = await Promise.all([
    before?.payload === undefined ? valueOf(live, "payload", config) : before.payload,
    before?.output === undefined ? valueOf(live, "output", config) : before.output,
  ]);
  return {
    ...(reviveDates(run) as RealtimeRun),
    ...(payload === undefined ? {} : { payload }),
    ...(output === undefined ? {} : { output }),
  };
}

/** Whether decoding has to wait for the network. */
export function isElsewhere(live: ArrivedRun, before: RealtimeRun | undefined): boolean {
  return (
    (live.payloadPresignedUrl !== undefined && before?.payload === undefined) ||
    (live.outputPresignedUrl !== undefined && before?.output === undefined)
  );
}

async function valueOf(live: ArrivedRun, field: Field, config: ResolvedConfig): Promise<unknown> {
  const url = live[`${field}PresignedUrl`];
  if (url !== undefined) return fetchValue(url, config);
  const meta = live[`${field}Meta`];
  if (meta === undefined || meta === null) return live[field];
  return superjson.deserialize({ json: live[field], meta } as SuperJSONResult);
}

/** An update does not repeat the payload: it stays what it was. */
export function withPayloadOf(live: ArrivedRun, before: ArrivedRun | undefined): ArrivedRun {
  if (before === undefined) return live;
  const { payload, payloadType, payloadMeta, payloadPresignedUrl } = before;
  const kept = { payload, payloadType, payloadMeta, payloadPresignedUrl };
  return { ...Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined)), ...live };
}
