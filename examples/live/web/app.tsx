import { GantryProvider } from "@gantry/sdk/react";
import { type ReactNode, useEffect, useState } from "react";
import { type StartedImport, tokenFor } from "./backend.ts";
import { ImportView } from "./import-view.tsx";
import { Upload } from "./upload.tsx";

/** The import that is shown is in the address, so that a reload shows it again. */
const KEY = "import";

export function App(): ReactNode {
  const [started, setStarted] = useState<StartedImport | undefined>(fromAddress);
  useEffect(() => {
    const url = new URL(location.href);
    url.search = started === undefined ? "" : String(new URLSearchParams({ [KEY]: JSON.stringify(started) }));
    history.replaceState(null, "", url);
  }, [started]);
  return (
    <main>
      <header>
        <h1>Import contacts</h1>
        <p>A CSV file with the columns name, email and company.</p>
      </header>
      {started === undefined ? (
        <Upload onStarted={setStarted} />
      ) : (
        <GantryProvider baseURL={started.apiUrl} accessToken={() => tokenFor(started.runId)}>
          <ImportView key={started.runId} runId={started.runId} onAgain={() => setStarted(undefined)} />
        </GantryProvider>
      )}
    </main>
  );
}

function fromAddress(): StartedImport | undefined {
  const text = new URLSearchParams(location.search).get(KEY);
  return text === null ? undefined : (JSON.parse(text) as StartedImport);
}
