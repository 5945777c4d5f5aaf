import { type DestinationStream, type Logger, type LoggerOptions, pino } from "pino";
import { isColorSupported, prettyFactory } from "pino-pretty";

export type { Logger } from "pino";

export interface LoggingOptions {
  level: string;
  /** `pretty` is for people; `json` where it is left out. */
  format?: "json" | "pretty";
  /** Where lines go; standard output where it is left out. */
  destination?: DestinationStream;
}

/** Fields that may hold what a user sent, or a credential: their values are never written. */
const SECRET_FIELDS = new Set([
  "authorization",
  "cookie",
  "set-cookie",
  "x-trigger-jwt",
  "password",
  "secret",
  "secretkey",
  "apikey",
  "key",
  "token",
  "accesstoken",
  "runtoken",
  "workertoken",
  "publicaccesstoken",
  "payload",
  "output",
  "metadata",
  "body",
  "env",
  "encryptionkey",
  "databaseurl",
  "databasedirecturl",
  "devkeysecret",
  "connectionstring",
  "setupsecret",
  "oidcclientsecret",
]);
const CREDENTIALS = [
  /\b(?:gt|tr)_(?:[a-z0-9-]+_sk|pat)_[0-9A-Za-z]+/g,
  /\bgt_usr_[\w.-]+/g,
  /\beyJ[\w-]+\.[\w-]+\.[\w-]*/g,
  /\bBearer\s+[^\s"',]+/gi,
  /(?<=\/waitpoints\/tokens\/[^\s/]{1,200}\/callback\/)[\w.~%-]+/g,
];
/** user:password@ of a URL. */
const URL_PASSWORD = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s@/]*@/gi;
const CENSORED = "[redacted]";
const MAX_DEPTH = 6;

/** A log whose every line is free of keys, tokens, passwords and payloads, wherever in it they were. */
export function createLogger(options: LoggingOptions): Logger {
  const settings: LoggerOptions = {
    level: options.level,
    base: null,
    timestamp: () => `,"at":"${new Date().toISOString()}"`,
    formatters: {
      level: (label: string) => ({ level: label }),
      log: (fields: Record<string, unknown>) => censor(fields, 0) as Record<string, unknown>,
    },
    serializers: { err: (error: unknown) => censor(error, 0) },
    // The last look at the finished line: catches what a message, a child's fields or a stack brought along.
    hooks: { streamWrite: censorText },
  };
  const destination = options.destination ?? pino.destination(1);
  return pino(settings, options.format === "pretty" ? prettyStream(destination) : destination);
}

/** Lines for people, each with its fields below it; coloured on a terminal. */
function prettyStream(destination: DestinationStream): DestinationStream {
  const format = prettyFactory({ timestampKey: "at", translateTime: "SYS:HH:MM:ss.l", colorize: isColorSupported });
  return { write: (line) => destination.write(format(line)) };
}

/** The text with every credential in it replaced. */
export function censorText(text: string): string {
  const withoutPasswords = text.replaceAll(URL_PASSWORD, `$1:${CENSORED}@`);
  return CREDENTIALS.reduce((censored, pattern) => censored.replaceAll(pattern, CENSORED), withoutPasswords);
}

function censor(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null) return typeof value === "bigint" ? value.toString() : value;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return `[${value.length} bytes]`;
  if (depth >= MAX_DEPTH) return "[…]";
  if (value instanceof Error) return describeError(value, depth);
  if (Array.isArray(value)) return value.map((item) => censor(item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, censorField(name, field, depth)]));
}

function censorField(name: string, field: unknown, depth: number): unknown {
  const isSecret = SECRET_FIELDS.has(name.toLowerCase().replaceAll("_", ""));
  return isSecret && field !== undefined && field !== null ? CENSORED : censor(field, depth + 1);
}

/** Only what helps: a database's error also carries the row it was about. */
function describeError(error: Error, depth: number): Record<string, unknown> {
  const { name, message, stack, code, cause } = error as Error & { code?: unknown };
  const known = { name, code, message, stack };
  return cause === undefined ? known : { ...known, cause: censor(cause, depth + 1) };
}
