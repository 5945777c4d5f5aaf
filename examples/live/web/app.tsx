import { GantryProvider } from "@gantry/sdk/react";
import { type ReactNode, useEffect, useState } from "react";
import { tokenFor } from "./backend.ts";
import { ImportView } from "./import-view.tsx";
import { Upload } from "./upload.tsx";

/** The run that is shown is in the address, so that a reload shows it again. */
const KEY = "run";

export function App({ apiUrl }: { apiUrl: string }): ReactNode {
  const [runId, setRunId] = useState(() => new URLSearchParams(location.search).get(KEY) ?? undefined);
  useEffect(() => {
    const url = new URL(location.href);
    url.search = runId === undefined ? "" : String(new URLSearchParams({ [KEY]: runId }));
    history.replaceState(null, "", url);
  }, [runId]);
  return (
    <main>
      <header>
        <h1>Import contacts</h1>
        <p>A CSV file with the columns name, email and company.</p>
      </header>
      {runId === undefined ? (
        <Upload onStarted={setRunId} />
      ) : (
        <GantryProvider baseURL={apiUrl} accessToken={() => tokenFor(runId)}>
          <ImportView key={runId} runId={runId} onAgain={() => setRunId(undefined)} />
        </GantryProvider>
      )}
    </main>
  );
}
