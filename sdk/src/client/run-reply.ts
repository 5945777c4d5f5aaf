import superjson, { type SuperJSONResult } from "superjson";
import type { RunReply } from "../contract/api/index.ts";
import { errorFromReply } from "./api-error.ts";
import type { ResolvedConfig } from "./configuration.ts";
import { reviveDates } from "./dates.ts";
import { decodeValue } from "./packet.ts";
import type { RetrievedRun } from "./replies.ts";

/** How one value of a run travels: plain with what restores it, or as an address where it is large. */
interface TravellingValue {
  value: unknown;
  type: string | undefined;
  meta: unknown;
  url: string | undefined;
}

/** Dates made Dates, payload and output made values again, large ones fetched from where the reply points. */
export async function runFromReply(reply: RunReply, config: ResolvedConfig): Promise<RetrievedRun<unknown, unknown>> {
  const { payload, payloadType, payloadMeta, payloadPresignedUrl, ...rest } = reply;
  const { output, outputType, outputMeta, outputPresignedUrl, relatedRuns, checkpoint, ...run } = rest;
  const [payloadValue, outputValue] = await Promise.all([
    valueOf({ value: payload, type: payloadType, meta: payloadMeta, url: payloadPresignedUrl }, config),
    valueOf({ value: output, type: outputType, meta: outputMeta, url: outputPresignedUrl }, config),
  ]);
  return {
    ...reviveDates(run),
    ...(payloadValue === undefined ? {} : { payload: payloadValue }),
    ...(outputValue === undefined ? {} : { output: outputValue }),
    ...(checkpoint && { checkpoint: reviveDates(checkpoint) }),
    relatedRuns: {
      ...(relatedRuns?.root && { root: reviveDates(relatedRuns.root) }),
      ...(relatedRuns?.parent && { parent: reviveDates(relatedRuns.parent) }),
      ...(relatedRuns?.children && { children: reviveDates(relatedRuns.children) }),
    },
  };
}

async function valueOf(travelling: TravellingValue, config: ResolvedConfig): Promise<unknown> {
  const { value, meta, url } = travelling;
  if (url !== undefined) return fetchValue(url, config);
  if (meta === undefined || meta === null) return value;
  return superjson.deserialize({ json: value, meta } as SuperJSONResult);
}

/** The value behind an address that carries its own permission. */
export async function fetchValue(url: string, config: ResolvedConfig): Promise<unknown> {
  const { fetch = globalThis.fetch, signal } = config.requestOptions;
  // The address carries its own permission; our key is not sent along, it may point at an object store.
  const response = await fetch(url, signal ? { signal } : {});
  const text = await response.text();
  if (!response.ok) throw errorFromReply(response.status, text, response.headers);
  return decodeValue(text, response.headers.get("content-type")?.split(";")[0]?.trim());
}
