import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import type { PasswordHasher } from "../../accounts/password-hasher.ts";
import { AppError } from "../../errors.ts";

/** OWASP's second choice for Argon2id: 19 MiB, two passes, one lane. Some 100 ms of one core, which is the point. */
const COSTS = { memorySize: 19_456, iterations: 2, parallelism: 1, hashLength: 32 } as const;
const SALT_BYTES = 16;
/** More would only wait; each takes a tenth of a second. */
const MAX_WAITING = 50;
/** Then the thread ends, and its memory is free again. */
const IDLE_MS = 30_000;

type Job =
  | { do: "hash"; password: string; salt: Uint8Array; costs: typeof COSTS }
  | { do: "verify"; password: string; hash: string };
interface Waiting {
  resolve(value: string | boolean): void;
  reject(error: unknown): void;
}

/** The thread's program. It stands here as text so that it is the same file in the sources and in what is built of them. */
const PROGRAM = `
const { parentPort, workerData } = require("node:worker_threads");
const { argon2id, argon2Verify } = require(workerData.library);
parentPort.on("message", async ({ id, job }) => {
  try {
    const value = job.do === "hash"
      ? await argon2id({ ...job.costs, password: job.password, salt: job.salt, outputType: "encoded" })
      : await argon2Verify({ password: job.password, hash: job.hash });
    parentPort.postMessage({ id, value });
  } catch (error) {
    parentPort.postMessage({ id, error: String(error && error.message) });
  }
});`;

/** Argon2id by WebAssembly on one thread of its own: one at a time, so that guessing takes one core and 19 MiB at most. */
export class Argon2Passwords implements PasswordHasher {
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #last = 0;

  async hash(password: string): Promise<string> {
    return (await this.#ask({ do: "hash", password, salt: randomBytes(SALT_BYTES), costs: COSTS })) as string;
  }

  async verify(password: string, hash: string): Promise<boolean> {
    return (await this.#ask({ do: "verify", password, hash })) as boolean;
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    await this.#worker?.terminate();
  }

  #ask(job: Job): Promise<string | boolean> {
    if (this.#waiting.size >= MAX_WAITING)
      throw new AppError("RATE_LIMITED", "Too many people sign in at this moment.", { retryAfterSeconds: 5 });
    clearTimeout(this.#idle);
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#thread().postMessage({ id, job });
    });
  }

  #thread(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const library = createRequire(import.meta.url).resolve("hash-wasm");
    const worker = new Worker(PROGRAM, { eval: true, workerData: { library }, execArgv: [] });
    worker.unref();
    worker.on("message", ({ id, value, error }: { id: number; value?: string | boolean; error?: string }) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(value as string | boolean);
      else waiting?.reject(new Error(`the password could not be hashed: ${error}`));
      if (this.#waiting.size === 0) this.#rest();
    });
    worker.on("error", (error) => this.#ended(worker, error));
    worker.on("exit", () => this.#ended(worker, new Error("the thread that hashes passwords has ended")));
    this.#worker = worker;
    return worker;
  }

  #rest(): void {
    this.#idle = setTimeout(() => void this.#worker?.terminate(), IDLE_MS);
    this.#idle.unref();
  }

  #ended(worker: Worker, error: unknown): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
