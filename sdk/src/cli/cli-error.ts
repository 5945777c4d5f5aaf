/** Exit codes of every command, as README and `gantry --help` state them. */
export const EXIT = { ok: 0, failed: 1, usage: 2, unreachable: 3 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** An error meant for the person at the terminal: what is wrong, and what to do about it. Printed without a stack. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly code: string;
  readonly remedy: string | undefined;
  readonly exitCode: ExitCode;

  constructor(code: string, message: string, options: { remedy?: string; exitCode?: ExitCode; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy;
    this.exitCode = options.exitCode ?? EXIT.usage;
  }
}
