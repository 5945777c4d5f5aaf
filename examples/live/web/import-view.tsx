import { useRealtimeRun } from "@gantry/sdk/react";
import { type ReactNode, useState } from "react";
import type { ImportMetadata, ImportResult } from "../contact.ts";
import type { importContacts } from "../tasks/import-contacts.ts";
import { Approval } from "./approval.tsx";
import { cancelImport } from "./backend.ts";
import { Connection } from "./connection.tsx";
import { Progress } from "./progress.tsx";
import { Rows } from "./rows.tsx";

/** One import, live: everything that is shown comes from the run and its stream. */
export function ImportView({ runId, onAgain }: { runId: string; onAgain: () => void }): ReactNode {
  const { run, error, connection } = useRealtimeRun<typeof importContacts>(runId, { skipColumns: ["payload"] });
  const [cancelError, setCancelError] = useState<string>();
  const metadata = (run?.metadata ?? {}) as Partial<ImportMetadata>;
  const isOver = run?.isCompleted ?? error !== undefined;
  const cancel = () => cancelImport(runId).catch((caught: Error) => setCancelError(caught.message));

  return (
    <section className="card">
      <div className="bar">
        <h2>{headline(run?.status, metadata)}</h2>
        <Connection connection={connection} isOver={isOver} />
      </div>
      <Progress done={metadata.rowsDone ?? 0} of={metadata.rows} rejected={metadata.rejected ?? 0} />
      {metadata.approval !== undefined && !isOver && (
        <Approval {...metadata.approval} good={(metadata.rows ?? 0) - (metadata.rejected ?? 0)} />
      )}
      {run?.output !== undefined && <Result result={run.output} />}
      {(error ?? run?.error) !== undefined && (
        <p role="alert" className="problem">
          {(error ?? run?.error)?.message}
        </p>
      )}
      <Rows runId={runId} />
      <div className="actions">
        {isOver ? (
          <button type="button" className="button primary" onClick={onAgain}>
            Import another file
          </button>
        ) : (
          <button type="button" className="button" onClick={cancel} disabled={run?.cancelRequestedAt !== undefined}>
            {run?.cancelRequestedAt === undefined ? "Cancel" : "Canceling…"}
          </button>
        )}
        {cancelError !== undefined && <p role="alert">{cancelError}</p>}
      </div>
    </section>
  );
}

function headline(status: string | undefined, { phase }: Partial<ImportMetadata>): string {
  switch (status) {
    case undefined:
    case "QUEUED":
    case "DEQUEUED":
      return "Starting…";
    case "COMPLETED":
      return "Done";
    case "CANCELED":
      return "Canceled";
    case "EXECUTING":
    case "WAITING":
      return phase === "approval" ? "Waiting for your approval" : phase === "saving" ? "Saving…" : "Checking rows…";
    default:
      return "The import has failed";
  }
}

function Result({ result }: { result: ImportResult }): ReactNode {
  return (
    <p className="result" role="status">
      {"because" in result
        ? `Nothing was imported: ${result.because}.`
        : `${result.imported} contacts were imported, ${result.rejected} rows were left out.`}
    </p>
  );
}
