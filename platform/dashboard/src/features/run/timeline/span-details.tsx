import type { ReactNode } from "react";
import { RunLink } from "../../../layout/place-link.tsx";
import { Badge } from "../../../ui/badge.tsx";
import { IconButton } from "../../../ui/button.tsx";
import { formatDuration } from "../../../ui/format.ts";
import { Icon } from "../../../ui/icon.tsx";
import { JsonView } from "../../../ui/json-view.tsx";
import { KeyValueList } from "../../../ui/key-value.tsx";
import { Stack } from "../../../ui/page.tsx";
import { AbsoluteTime, Bytes, Duration } from "../../../ui/time.tsx";
import { ErrorView } from "../error/error-view.tsx";
import { BatchLink, TokenLink } from "../place-links.tsx";
import { iconOf, KIND_LOOK, STATE_WORDS } from "./span-look.ts";
import classes from "./timeline.module.css";
import { Countdown } from "./timeline-row.tsx";
import type { TimelineSpan } from "./timeline-span.ts";

const STATE_TONE = { open: "info", done: "success", failed: "danger", canceled: "neutral", left: "neutral" } as const;

/** All that is known of one span. */
export function SpanDetails({ span, onClose }: { span: TimelineSpan; onClose: () => void }) {
  const { entry, attempt } = span;
  return (
    <section className={classes.details} aria-label={`Details of ${span.label}`}>
      <header className={classes.detailsHead}>
        <Icon name={iconOf(span)} />
        <h3>{span.label}</h3>
        <Badge tone={STATE_TONE[span.state]}>{STATE_WORDS[span.state]}</Badge>
        <IconButton icon="x" size="sm" label="Close the details" onClick={onClose} />
      </header>
      <Stack gap={12}>
        <KeyValueList
          items={[
            { key: "Kind", value: KIND_LOOK[span.kind].word },
            { key: "Started", value: <AbsoluteTime at={span.startMs} /> },
            {
              key: "Duration",
              value:
                span.endMs === undefined ? <Duration from={span.startMs} /> : formatDuration(span.endMs - span.startMs),
            },
            { key: "Due", value: span.dueAtMs !== undefined && <Due atMs={span.dueAtMs} /> },
            { key: "Note", value: span.note },
            { key: "Attempt", value: entry?.attempt },
            { key: "Tries", value: entry !== undefined && entry.tries > 1 && entry.tries },
            { key: "Run", value: span.childRunId !== undefined && <RunLink runId={span.childRunId} /> },
            { key: "Batch", value: span.batchId !== undefined && <BatchLink id={span.batchId} /> },
            { key: "Token", value: span.tokenId !== undefined && <TokenLink id={span.tokenId} /> },
            { key: "Journal entry", value: entry && `${entry.entry} · ${entry.key}` },
            { key: "Result", value: entry?.outputBytes !== undefined && <Bytes bytes={entry.outputBytes} /> },
            { key: "Outcome", value: attempt?.outcome },
            {
              key: "Retried after",
              value: attempt?.retryDelayMs !== undefined && formatDuration(attempt.retryDelayMs),
            },
          ]}
        />
        {span.segments !== undefined && <Stays span={span} />}
        {entry?.error !== undefined && <ErrorView error={entry.error} />}
        {entry?.error === undefined && attempt?.error !== undefined && <ErrorView error={attempt.error} />}
        {entry !== undefined && "output" in entry && <JsonView value={entry.output} label="Result" maxHeight={240} />}
        {entry?.outputStart !== undefined && (
          <JsonView value={`${entry.outputStart}…`} label="Beginning of the result" />
        )}
      </Stack>
    </section>
  );
}

function Due({ atMs }: { atMs: number }): ReactNode {
  return (
    <>
      <AbsoluteTime at={atMs} /> (<Countdown atMs={atMs} />)
    </>
  );
}

/** On a worker, kept by one, and so on. */
function Stays({ span }: { span: TimelineSpan }) {
  return (
    <KeyValueList
      items={(span.segments ?? []).map(({ startMs, endMs, use }, index) => ({
        key: `${index + 1}. ${use === "held" ? "kept while it waits" : "on a worker"}`,
        value: (
          <>
            <AbsoluteTime at={startMs} />, {endMs === undefined ? "until now" : formatDuration(endMs - startMs)}
          </>
        ),
      }))}
    />
  );
}
