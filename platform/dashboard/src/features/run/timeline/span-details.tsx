import type { JournalItem } from "@gantry/sdk";
import type { ReactNode } from "react";
import { RunLink } from "../../../layout/place-link.tsx";
import { Badge } from "../../../ui/badge.tsx";
import { IconButton } from "../../../ui/button.tsx";
import { formatDuration } from "../../../ui/format.ts";
import { Icon } from "../../../ui/icon.tsx";
import { JsonView } from "../../../ui/json-view.tsx";
import { type KeyValueItem, KeyValueList } from "../../../ui/key-value.tsx";
import { Stack } from "../../../ui/page.tsx";
import { AbsoluteTime, Bytes, Duration } from "../../../ui/time.tsx";
import { ErrorView } from "../error/error-view.tsx";
import { BatchLink, TokenLink } from "../place-links.tsx";
import { iconOf, KIND_LOOK, SEGMENT_WORDS, STATE_WORDS } from "./span-look.ts";
import classes from "./timeline.module.css";
import { Countdown } from "./timeline-row.tsx";
import type { TimelineSpan } from "./timeline-span.ts";

const STATE_TONE = { open: "info", done: "success", failed: "danger", canceled: "neutral", left: "neutral" } as const;

/** All that is known of one span. */
export function SpanDetails({ span, onClose }: { span: TimelineSpan; onClose: () => void }) {
  const { entry, attempt } = span;
  const error = entry?.error ?? attempt?.error;
  return (
    <section className={classes.details} aria-label={`Details of ${span.label}`}>
      <header className={classes.detailsHead}>
        <Icon name={iconOf(span)} />
        <h3>{span.label}</h3>
        <Badge tone={STATE_TONE[span.state]}>{STATE_WORDS[span.state]}</Badge>
        <IconButton icon="x" size="sm" label="Close the details" onClick={onClose} />
      </header>
      <Stack gap={12}>
        <KeyValueList items={[...spanFacts(span), ...entryFacts(entry), ...attemptFacts(attempt)]} />
        {span.segments !== undefined && <Stays span={span} />}
        {error !== undefined && <ErrorView error={error} />}
        {entry !== undefined && <Result entry={entry} />}
      </Stack>
    </section>
  );
}

function spanFacts(span: TimelineSpan): KeyValueItem[] {
  const { startMs, endMs, dueAtMs, childRunId, batchId, tokenId } = span;
  return [
    { key: "Kind", value: KIND_LOOK[span.kind].word },
    { key: "Started", value: <AbsoluteTime at={startMs} /> },
    { key: "Duration", value: <Duration from={startMs} to={endMs} /> },
    { key: "Due", value: dueAtMs !== undefined && <Due atMs={dueAtMs} /> },
    { key: "Note", value: span.note },
    { key: "Run", value: childRunId !== undefined && <RunLink runId={childRunId} /> },
    { key: "Batch", value: batchId !== undefined && <BatchLink id={batchId} /> },
    { key: "Token", value: tokenId !== undefined && <TokenLink id={tokenId} /> },
  ];
}

function entryFacts(entry: TimelineSpan["entry"]): KeyValueItem[] {
  if (entry === undefined) return [];
  const { attempt, tries, outputBytes } = entry;
  return [
    { key: "Attempt", value: attempt },
    { key: "Tries", value: tries > 1 && tries },
    { key: "Journal entry", value: `${entry.entry} · ${entry.key}` },
    { key: "Result", value: outputBytes !== undefined && <Bytes bytes={outputBytes} /> },
  ];
}

function attemptFacts(attempt: TimelineSpan["attempt"]): KeyValueItem[] {
  if (attempt === undefined) return [];
  const { outcome, retryDelayMs } = attempt;
  return [
    { key: "Outcome", value: outcome },
    { key: "Retried after", value: retryDelayMs !== undefined && formatDuration(retryDelayMs) },
  ];
}

function Result({ entry }: { entry: JournalItem }) {
  if (entry.outputStart !== undefined)
    return <JsonView value={`${entry.outputStart}…`} label="Beginning of the result" />;
  return "output" in entry ? <JsonView value={entry.output} label="Result" maxHeight={240} /> : null;
}

function Due({ atMs }: { atMs: number }): ReactNode {
  return (
    <>
      <AbsoluteTime at={atMs} /> (<Countdown atMs={atMs} />)
    </>
  );
}

/** On a worker, kept by one, stored, and so on. */
function Stays({ span }: { span: TimelineSpan }) {
  return (
    <KeyValueList
      items={(span.segments ?? []).map(({ startMs, endMs, use }, index) => ({
        key: `${index + 1}. ${SEGMENT_WORDS[use]}`,
        value: (
          <>
            <AbsoluteTime at={startMs} />, {endMs === undefined ? "until now" : formatDuration(endMs - startMs)}
          </>
        ),
      }))}
    />
  );
}
