import { useClock } from "./clock.ts";
import { formatBytes, formatDuration, formatInstant, formatRelative } from "./format.ts";

type Instant = Date | string | number;
const msOf = (at: Instant) => (typeof at === "number" ? at : new Date(at).getTime());

/** "3m ago", ticking; the full time is its tooltip. */
export function RelativeTime({ at }: { at: Instant }) {
  const ms = msOf(at);
  const text = useClock((now) => formatRelative(ms, now));
  return (
    <time dateTime={new Date(ms).toISOString()} title={formatInstant(ms)}>
      {text}
    </time>
  );
}

/** "22 Nov 2026, 09:14:03". */
export function AbsoluteTime({ at }: { at: Instant }) {
  const ms = msOf(at);
  return <time dateTime={new Date(ms).toISOString()}>{formatInstant(ms)}</time>;
}

/** A duration: of `ms`, or from `from` to `to`; without `to` it ticks. */
export function Duration(props: { ms: number } | { from: Instant; to?: Instant | undefined }) {
  if ("ms" in props) return <span>{formatDuration(props.ms)}</span>;
  if (props.to !== undefined) return <span>{formatDuration(msOf(props.to) - msOf(props.from))}</span>;
  return <TickingDuration from={msOf(props.from)} />;
}

function TickingDuration({ from }: { from: number }) {
  // By whole seconds: tenths that jump by ten each second read like a fault.
  const text = useClock((now) => (now - from < 1_000 ? "0 s" : formatDuration(wholeSeconds(now - from))));
  return <span>{text.replace(/\.0 s$/, " s")}</span>;
}

const wholeSeconds = (ms: number) => Math.floor(ms / 1_000) * 1_000;

export function Bytes({ bytes }: { bytes: number }) {
  return <span>{formatBytes(bytes)}</span>;
}
