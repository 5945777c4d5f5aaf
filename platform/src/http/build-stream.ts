import type { BuildEvent } from "@gantry/sdk/contract";
import type { Response } from "express";

/** Proxies cut connections that are silent for a minute; a build may be. */
const BLANK_LINE_MS = 15_000;

export interface BuildStream {
  send(event: BuildEvent): void;
  /** Aborted where the client goes away before the end. */
  signal: AbortSignal;
  end(): void;
}

/** Events as NDJSON, each sent as it comes. */
export function openBuildStream(res: Response): BuildStream {
  const gone = new AbortController();
  res.status(200);
  res.setHeader("content-type", "application/x-ndjson; charset=utf-8");
  res.setHeader("cache-control", "no-store");
  // Nginx would keep events until it has a buffer full of them.
  res.setHeader("x-accel-buffering", "no");
  res.flushHeaders();
  const blank = setInterval(() => res.write("\n"), BLANK_LINE_MS);
  res.on("close", () => {
    clearInterval(blank);
    if (!res.writableFinished) gone.abort(new Error("The client of the deploy went away."));
  });
  return {
    send: (event) => void res.write(`${JSON.stringify(event)}\n`),
    signal: gone.signal,
    end() {
      clearInterval(blank);
      res.end();
    },
  };
}
