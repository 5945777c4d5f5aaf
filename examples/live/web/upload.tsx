import { type DragEvent, type ReactNode, useState } from "react";
import { startImport } from "./backend.ts";

export function Upload({ onStarted }: { onStarted: (runId: string) => void }): ReactNode {
  const [isOver, setOver] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<string>();

  const start = async (csv: () => Promise<string>) => {
    setBusy(true);
    setError(undefined);
    try {
      onStarted(await startImport(await csv()));
    } catch (caught) {
      setError((caught as Error).message);
      setBusy(false);
    }
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer.files[0];
    if (file !== undefined) void start(() => file.text());
  };

  return (
    <section className="card">
      {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping is a second way; the first is the button in it. */}
      <div
        className={isOver ? "drop is-over" : "drop"}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <svg aria-hidden="true" viewBox="0 0 24 24" width="32" height="32">
          <path d="M12 16V4m0 0L7 9m5-5 5 5M4 16v3a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-3" />
        </svg>
        <p>Drop a file here, or</p>
        <label className="button primary">
          Choose a file
          <input
            type="file"
            accept=".csv,text/csv"
            disabled={isBusy}
            onChange={(event) => {
              const file = event.target.files?.[0];
              if (file !== undefined) void start(() => file.text());
            }}
          />
        </label>
        <button type="button" className="link" disabled={isBusy} onClick={() => start(sample)}>
          Use an example file
        </button>
      </div>
      {error !== undefined && (
        <p role="alert" className="problem">
          {error}
        </p>
      )}
    </section>
  );
}

const sample = async () => (await fetch("/contacts.csv")).text();
