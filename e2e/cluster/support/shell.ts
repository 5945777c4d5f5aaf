import { execFile } from "node:child_process";
import { promisify } from "node:util";

const execute = promisify(execFile);

export interface ShellOptions {
  cwd?: string;
  env?: Record<string, string | undefined>;
  input?: string;
}

/** What a program printed. Errors: everything it printed, where it fails. */
export async function run(file: string, args: string[], options: ShellOptions = {}): Promise<string> {
  const { input, ...rest } = options;
  const env = { ...process.env, ...options.env } as NodeJS.ProcessEnv;
  const running = execute(file, args, { ...rest, env, maxBuffer: 1e8 });
  if (input !== undefined) running.child.stdin?.end(input);
  try {
    return (await running).stdout.trim();
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${file} ${args.join(" ")}\n${stdout}${stderr}`);
  }
}
