import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { CliError } from "../cli-error.ts";

/** This machine's `docker` program. */
export interface DockerCli {
  /**
   * Runs it; every line it prints goes to `log`. Returns what it printed to standard output.
   * Errors: DOCKER_MISSING, DOCKER_NOT_RUNNING, DOCKER_FAILED with the end of what it said.
   */
  run(args: string[], options?: { stdin?: string; env?: Record<string, string>; isQuiet?: boolean }): Promise<string>;
}

const KEPT_LINES = 25;

export function dockerCli(
  env: Record<string, string | undefined>,
  log: (line: string) => void,
  signal: AbortSignal,
): DockerCli {
  return {
    async run(args, { stdin = "", env: more = {}, isQuiet = false } = {}) {
      signal.throwIfAborted();
      const child = spawn("docker", args, {
        // Where there is no buildx, `docker build` must not be told to use it.
        env: { ...env, DOCKER_BUILDKIT: args[0] === "build" ? "0" : undefined, ...more } as NodeJS.ProcessEnv,
        stdio: ["pipe", "pipe", "pipe"],
        windowsHide: true,
        signal,
      });
      const out: string[] = [];
      const last: string[] = [];
      const hear = (stream: NodeJS.ReadableStream, into?: string[]) =>
        createInterface({ input: stream }).on("line", (line) => {
          into?.push(line);
          last.push(line);
          if (last.length > KEPT_LINES) last.shift();
          if (!isQuiet) log(line);
        });
      hear(child.stdout, out);
      hear(child.stderr);
      child.stdin.on("error", () => undefined);
      child.stdin.end(stdin);
      const code = await new Promise<number | null>((resolve, reject) => {
        child.once("error", (cause) => reject(signal.aborted ? (signal.reason as Error) : missing(cause)));
        child.once("close", resolve);
      });
      if (code !== 0) throw failed(args, last);
      return out.join("\n");
    },
  };
}

function missing(cause: unknown): CliError {
  return new CliError("DOCKER_MISSING", "The program `docker` is not on this machine's PATH.", {
    remedy: "Install Docker, or deploy without --local-build: the platform then makes the image.",
    cause,
  });
}

function failed(args: string[], last: string[]): CliError {
  const said = last.join("\n");
  if (
    /Cannot connect to the Docker daemon|error during connect|dial unix .* (no such file|connection refused)/i.test(
      said,
    )
  ) {
    return new CliError("DOCKER_NOT_RUNNING", "Docker is installed, and its engine does not answer.", {
      remedy: "Start Docker (Docker Desktop, or `systemctl start docker`), or check DOCKER_HOST.",
    });
  }
  return new CliError("DOCKER_FAILED", `docker ${args[0] === "--config" ? args[2] : args[0]} failed:\n${said}`, {
    remedy: remedyFor(said),
  });
}

function remedyFor(said: string): string {
  if (/exec format error/i.test(said))
    return "A command of the image is for another processor: install QEMU's binfmt handlers, or set build.platforms to this machine's.";
  if (/server gave HTTP response to HTTPS client/i.test(said))
    return "The registry speaks plain HTTP: add it to `insecure-registries` of the Docker engine's daemon.json. If it is the base image's, this machine may reach it under another address: name that in build.baseImage.";
  if (/no such host|connection refused|i\/o timeout|manifest unknown|not found/i.test(said))
    return "An image could not be pulled or pushed from here. If this machine reaches the worker image under another address than the platform, name that in build.baseImage.";
  if (/unauthorized|denied|no basic auth/i.test(said))
    return "The registry refused. Check that the deploy's token may push, and that the base image may be pulled (docker login).";
  return "Correct what Docker complains about; the current version still serves.";
}
