import { StreamObserver, type StreamPart } from "@gantry/sdk";
import type { StreamListReply, StreamSummary } from "@gantry/sdk/contract";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { useEnvironment } from "../../session/session-provider.tsx";
import { Badge } from "../../ui/badge.tsx";
import { EmptyState } from "../../ui/empty-state.tsx";
import { ErrorState, ErrorText } from "../../ui/error-state.tsx";
import { Select } from "../../ui/field.tsx";
import { JsonView } from "../../ui/json-view.tsx";
import { Row, Stack } from "../../ui/page.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { Bytes } from "../../ui/time.tsx";
import classes from "./run-page.module.css";
import type { RunView } from "./run-view.ts";

/** The newest so many parts of a stream are shown. */
const SHOWN_PARTS = 2_000;

export function useStreams(run: RunView) {
  const { api, key } = useEnvironment();
  return useQuery({
    queryKey: key("run", run.id, "streams"),
    refetchInterval: run.isCompleted ? false : 3_000,
    queryFn: async () => {
      const path = `/api/v1/runs/${encodeURIComponent(run.id)}/streams`;
      return (await api.request<StreamListReply>({ method: "GET", path, repeatable: "always" })).data.data;
    },
  });
}

/** The streams of a run: text as it is written, other values as a list. */
export function StreamsPanel({ run }: { run: RunView }) {
  const { data, error, refetch } = useStreams(run);
  const [chosen, setChosen] = useState<string>();
  if (error) return <ErrorState error={error} title="Streams could not be loaded" onRetry={refetch} />;
  if (data === undefined) return <SkeletonRows rows={3} />;
  const stream = data.find((each) => streamKey(each) === chosen) ?? data[0];
  if (stream === undefined)
    return (
      <EmptyState icon="bolt" title="No streams">
        {run.isCompleted
          ? "This run wrote none."
          : "What the task pipes with streams.define(…).pipe(…) appears here as it is written."}
      </EmptyState>
    );
  return (
    <div className={classes.pad}>
      <Stack gap={12}>
        <Row>
          <Select
            className={classes.streamSelect}
            aria-label="Stream"
            value={streamKey(stream)}
            onChange={(event) => setChosen(event.target.value)}
            options={data.map((each) => ({
              value: streamKey(each),
              label: each.direction === "input" ? `${each.id} (to the run)` : each.id,
            }))}
          />
          <span className="muted">
            {stream.chunks.toLocaleString("en")} chunks, <Bytes bytes={stream.bytes} />
          </span>
          {stream.isEnded ? <Badge>Ended</Badge> : <Badge tone="info">Open</Badge>}
        </Row>
        <StreamView key={streamKey(stream)} runId={run.id} stream={stream} />
      </Stack>
    </div>
  );
}

const streamKey = ({ direction, id }: Pick<StreamSummary, "direction" | "id">) => `${direction}/${id}`;

function StreamView({ runId, stream }: { runId: string; stream: StreamSummary }) {
  const { token } = useEnvironment();
  const observer = useMemo(
    () =>
      new StreamObserver(
        { runId, stream: stream.id, direction: stream.direction },
        { baseUrl: location.origin, accessToken: token, maxParts: SHOWN_PARTS },
      ),
    [runId, stream.id, stream.direction, token],
  );
  const { parts, error } = useSyncExternalStore(observer.subscribe, observer.getSnapshot);
  const isText = parts.length > 0 && parts.every(({ chunk }) => typeof chunk === "string");
  return (
    <>
      {error && <ErrorText error={error} />}
      {parts.length === 0 && !error && <p className="muted">Nothing yet.</p>}
      {isText ? <StreamText parts={parts} /> : <StreamItems parts={parts} />}
    </>
  );
}

/** What a model writes, word by word. */
function StreamText({ parts }: { parts: readonly StreamPart<unknown>[] }) {
  const box = useFollowed(parts.length);
  return (
    // What scrolls must be reachable by keyboard.
    <section ref={box} className={classes.streamText} tabIndex={0} aria-label="Text of the stream">
      {parts.map(({ chunk }) => String(chunk)).join("")}
    </section>
  );
}

const ITEMS = 200;

function StreamItems({ parts }: { parts: readonly StreamPart<unknown>[] }) {
  const box = useFollowed(parts.length);
  const shown = parts.slice(-ITEMS);
  return (
    // The same.
    <section ref={box} className={classes.streamItems} tabIndex={0} aria-label="Values of the stream">
      {parts.length > ITEMS && <p className="muted">The newest {ITEMS} are shown.</p>}
      <ul className={classes.streamItems}>
        {shown.map(({ index, chunk }) => (
          <li key={index}>
            <span className="muted">{index}</span>
            <div>
              <JsonView value={chunk} label={`Chunk ${index}`} openDepth={1} />
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Stays at the end while it is there. */
function useFollowed(length: number) {
  const box = useRef<HTMLElement>(null);
  const isAtEnd = useRef(true);
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const look = () => {
      isAtEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < 24;
    };
    element.addEventListener("scroll", look, { passive: true });
    return () => element.removeEventListener("scroll", look);
  }, []);
  // After each part.
  useEffect(() => {
    if (isAtEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [length]);
  return box;
}
