import { createElement, type ReactNode, StrictMode } from "react";
import { renderToString } from "react-dom/server";
import { describe, expect, test } from "vitest";
import {
  GantryProvider,
  TriggerAuthContext,
  useRealtimeBatch,
  useRealtimeEnvironment,
  useRealtimeRun,
  useRealtimeRunsWithTag,
  useRealtimeRunWithStreams,
  useRealtimeStream,
  useRun,
  useTaskTrigger,
  useWaitToken,
} from "./index.ts";

/** Renders what a component shows, as a server does. */
function rendered(show: () => unknown, provider?: (child: ReactNode) => ReactNode): unknown {
  let seen: unknown;
  const Probe = () => {
    seen = show();
    return null;
  };
  const probe = createElement(Probe);
  renderToString(createElement(StrictMode, null, provider ? provider(probe) : probe));
  return seen;
}

const options = { accessToken: "token", baseURL: "http://127.0.0.1:1" };

describe("on a server", () => {
  const CASES: Record<string, { show: () => unknown; want: object }> = {
    useRealtimeRun: {
      show: () => useRealtimeRun("run_1", options),
      want: { run: undefined, connection: "connecting" },
    },
    useRealtimeRunWithStreams: {
      show: () => useRealtimeRunWithStreams("run_1", options),
      want: { run: undefined, streams: {}, connection: "connecting" },
    },
    useRealtimeRunsWithTag: { show: () => useRealtimeRunsWithTag("t", options), want: { runs: [], isLoaded: false } },
    useRealtimeBatch: { show: () => useRealtimeBatch("batch_1", options), want: { runs: [], isLoaded: false } },
    useRealtimeEnvironment: { show: () => useRealtimeEnvironment(options), want: { runs: [], isLoaded: false } },
    useRealtimeStream: { show: () => useRealtimeStream("run_1", "s", options), want: { parts: [], isEnded: false } },
    useRun: { show: () => useRun("run_1", options), want: { run: undefined, isLoading: true } },
    useTaskTrigger: { show: () => useTaskTrigger("t", options), want: { isLoading: false, handle: undefined } },
    useWaitToken: { show: () => useWaitToken("waitpoint_1", options), want: { isReady: true, isCompleted: false } },
  };
  test.each(Object.entries(CASES))("%s renders without asking anybody", (_name, { show, want }) => {
    expect(rendered(show)).toMatchObject({ ...want, error: undefined });
  });
});

describe("where hooks find their token", () => {
  test("GantryProvider gives it, and a hook's own goes before", () => {
    const provider = (child: ReactNode) => createElement(GantryProvider, options, child);
    expect(rendered(() => useRealtimeRun("run_1"), provider)).toMatchObject({ error: undefined });
  });

  test("so does TriggerAuthContext, as Trigger.dev writes it", () => {
    const provider = (child: ReactNode) => createElement(TriggerAuthContext.Provider, { value: options }, child);
    expect(rendered(() => useRealtimeRun("run_1"), provider)).toMatchObject({ error: undefined });
  });

  test("none at all is an error that says so", () => {
    expect(rendered(() => useRealtimeRun("run_1", { baseURL: options.baseURL }))).toMatchObject({
      error: { code: "MISSING_CREDENTIALS" },
    });
  });

  const QUIET: Record<string, () => unknown> = {
    "while there is no run": () => useRealtimeRun(undefined),
    "while it is not enabled": () => useRealtimeRun("run_1", { enabled: false }),
    "while there is no token to complete": () => useWaitToken(undefined),
  };
  test.each(Object.entries(QUIET))("%s none is missed", (_name, show) => {
    expect(rendered(show)).toMatchObject({ error: undefined });
  });
});
