import { useRealtimeStream } from "@gantry/sdk/react";
import { type ReactNode, useEffect, useRef } from "react";
import type { CheckedRow } from "../contact.ts";

/** So many rows are kept on the page. */
const SHOWN = 200;

/** The rows as the task checks them: its stream. */
export function Rows({ runId }: { runId: string }): ReactNode {
  const { parts, error } = useRealtimeStream<CheckedRow>(runId, "rows", { maxParts: SHOWN });
  const end = useRef<HTMLOListElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it scrolls when there are new rows.
  useEffect(() => {
    end.current?.scrollTo({ top: end.current.scrollHeight });
  }, [parts]);
  return (
    <>
      <ol className="rows" ref={end} aria-label="Rows">
        {parts.length === 0 && <li className="empty">Rows appear here as they are checked.</li>}
        {parts.map(({ line, text, problem }) => (
          <li key={line} className={problem === undefined ? "good" : "bad"}>
            <span className="line">{line}</span>
            <span className="text">{text}</span>
            <span className="verdict">{problem === undefined ? "✓ good" : `✕ ${problem}`}</span>
          </li>
        ))}
      </ol>
      {error !== undefined && <p role="alert">{error.message}</p>}
    </>
  );
}
