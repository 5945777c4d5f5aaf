import { setTimeout as sleep } from "node:timers/promises";
import { ApiClient } from "../client/api-client.ts";
import type { LiveOptions } from "../client/realtime/index.ts";
import type { RequestOptions } from "../client/request-options.ts";
import { type Connection, commandConnection } from "./connection.ts";
import type { Terminal } from "./terminal.ts";

/** The options every command has. */
export interface CommonOptions {
  json?: boolean;
  apiUrl?: string;
  /** Only of commands that ask the API about an environment. */
  project?: string;
  env?: string;
}

/** What surrounds a command: made by main.ts from the process, by tests from what they like. */
export interface Surroundings {
  terminal: Terminal;
  env: Record<string, string | undefined>;
  cwd: string;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
  stdin: () => Promise<string>;
  /** Whether a person types at `stdin`: reading all of it would wait for them. */
  isInputTerminal: boolean;
  fetch?: typeof globalThis.fetch;
}

export interface CommandContext extends Surroundings {
  json: boolean;
  /** Looks for the platform and the key, before the first `connection` or `api`. Errors: KEY_MISSING and others. */
  connect(find?: typeof commandConnection): Promise<Connection>;
  /** What `connect` found. */
  connection(): Connection;
  api(): ApiClient;
  /** The same platform and key, for what watches live. */
  live(): LiveOptions;
  /** Writes a value as one line of JSON. */
  printJson(value: unknown): void;
}

export function commandContext(surroundings: Surroundings, options: CommonOptions): CommandContext {
  let connection: Connection | undefined;
  const { cwd, env } = surroundings;
  const connected = () => {
    if (connection === undefined) throw new Error("The command asks the API without having connected.");
    return connection;
  };
  const requestOptions = (): RequestOptions => ({
    additionalHeaders: connected().headers,
    // A person waits: one quick second try is enough.
    retry: { maxAttempts: 2, minTimeoutInMs: 200 },
    signal: surroundings.signal,
    ...(surroundings.fetch && { fetch: surroundings.fetch }),
  });
  return {
    ...surroundings,
    json: options.json ?? false,
    connect: async (find = commandConnection) => (connection ??= await find({ cwd, env, flags: options })),
    connection: connected,
    api: () =>
      new ApiClient({ baseUrl: connected().baseUrl, token: connected().token, requestOptions: requestOptions() }),
    live: () => ({
      baseUrl: connected().baseUrl,
      accessToken: connected().token,
      requestOptions: requestOptions(),
    }),
    printJson: (value) => surroundings.terminal.out(toJson(value)),
  };
}

/** JSON of any value a run may hold: BigInt as text, Map and Set as their entries, cycles named. */
export function toJson(value: unknown, indent?: number): string {
  const around: unknown[] = [];
  return (
    JSON.stringify(
      value,
      function (this: unknown, _key, member: unknown) {
        while (around.length > 0 && around.at(-1) !== this) around.pop();
        if (typeof member === "bigint") return member.toString();
        if (member instanceof Map || member instanceof Set) return [...member];
        if (typeof member !== "object" || member === null) return member;
        if (around.includes(member)) return "[cycle]";
        around.push(member);
        return member;
      },
      indent,
    ) ?? "null"
  );
}

/** Waits; returns at once, without an error, when the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
