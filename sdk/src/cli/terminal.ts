import Table from "cli-table3";
import pc from "picocolors";
import prettyMs from "pretty-ms";
import type { RunStatus } from "../contract/run-status.ts";

type Colors = ReturnType<typeof pc.createColors>;

/** Where a command writes: results to `out`, everything else to `err`, so that a pipe gets results only. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** To `out`, without a line's end, for what comes piece by piece; absent where whole lines are wanted. */
  write?(text: string): void;
  /** Whether a person watches `out`: live views and colours only then. */
  isInteractive: boolean;
  colors: Colors;
  now(): number;
}

/** The process's own terminal. Colours follow NO_COLOR, FORCE_COLOR and whether there is a terminal. */
export function processTerminal(): Terminal {
  const isInteractive = Boolean(process.stdout.isTTY) && process.env.TERM !== "dumb" && !process.env.CI;
  return {
    out: (text) => void process.stdout.write(`${text}\n`),
    err: (text) => void process.stderr.write(`${text}\n`),
    ...(isInteractive ? { write: (text: string) => void process.stdout.write(text) } : {}),
    isInteractive,
    colors: pc.createColors(pc.isColorSupported && (isInteractive || Boolean(process.env.FORCE_COLOR))),
    now: Date.now,
  };
}

/** Rows under headings, aligned, without borders: readable by people and by `awk`. */
export function table(headings: string[], rows: string[][], colors: Colors): string {
  const none = Object.fromEntries(
    ["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left", "bottom-right"]
      .concat(["left", "left-mid", "mid", "mid-mid", "right", "right-mid"])
      .map((edge) => [edge, ""]),
  );
  const made = new Table({
    head: headings.map((heading) => colors.dim(heading)),
    chars: { ...none, middle: "  " },
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
  });
  made.push(...rows);
  return made
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

/** `950ms`, `2.1s`, `3m 20s`. */
export function duration(ms: number): string {
  return ms < 1000 ? `${Math.max(0, Math.round(ms))}ms` : prettyMs(ms, { secondsDecimalDigits: 1 });
}

/** `4m ago`; `-` for an instant that has not been. */
export function age(instant: string | Date | null | undefined, now: number): string {
  if (instant === null || instant === undefined) return "-";
  const ms = now - new Date(instant).getTime();
  if (ms < 0) return `in ${prettyMs(-ms, { compact: true })}`;
  return ms < 1000 ? "now" : `${prettyMs(ms, { compact: true })} ago`;
}

const STATUS_COLORS: Partial<Record<RunStatus, keyof Colors & ("green" | "red" | "cyan" | "yellow" | "gray")>> = {
  COMPLETED: "green",
  EXECUTING: "cyan",
  WAITING: "cyan",
  FAILED: "red",
  CRASHED: "red",
  SYSTEM_FAILURE: "red",
  TIMED_OUT: "red",
  EXPIRED: "yellow",
  CANCELED: "yellow",
};

export function statusText(status: string, colors: Colors): string {
  const color = STATUS_COLORS[status as RunStatus];
  return color === undefined ? status : colors[color](status);
}
