import { inOwnRegion } from "../region.ts";
import { outsideName, streamId } from "./pipe.ts";
import { chunkText, producerFor, type StreamTargetOptions, streamTarget } from "./stream-target.ts";

export type AppendStreamOptions = StreamTargetOptions;

/** See `streams.append`. Those that are called at once go together. */
export async function appendOne(
  what: string,
  stream: string,
  value: unknown,
  options?: AppendStreamOptions,
): Promise<void> {
  const target = streamTarget(what, stream, options);
  const text = chunkText(stream, value);
  const make = (names: readonly [string, ...string[]]) => inOwnRegion(() => producerFor(target, names, 0));
  const producer = target.scope?.streams.appender(streamId(target), make) ?? make([outsideName()]);
  await inOwnRegion(async () => {
    await producer.write(text);
    await producer.flush();
  });
}
