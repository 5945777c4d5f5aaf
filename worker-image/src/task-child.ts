import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { join } from "node:path";
import type { MachinePreset, WireError } from "@gantry/sdk/contract";
import type { Kill } from "./exit-policy.ts";
import { encodeMessage } from "./line-protocol.ts";
import type { OsDifferences } from "./os-differences.ts";
import { OutputFile } from "./output-file.ts";
import {
  type AttemptRef,
  type FromTaskProcess,
  TASK_PROCESS_VARIABLE,
  type TaskProcessConfig,
  type ToTaskProcess,
} from "./process-messages.ts";
import { heapMegabytes } from "./runner-config.ts";
import type { TaskPeer, TaskSockets } from "./task-sockets.ts";

/** What a runner needs to boot task processes; the same for all of them. */
export interface Boot {
  programFile: string;
  cwd: string;
  env: NodeJS.ProcessEnv;
  runsDir: string;
  process: Omit<TaskProcessConfig, "socket" | "key">;
  sockets: TaskSockets;
  os: OsDifferences;
  killGraceMs: number;
}

/** How a process ended, once its last message has been read too. */
export interface ChildEnd {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  spawnError: Error | undefined;
}

export interface ChildListener {
  ready(child: TaskChild): void;
  bootFailed(child: TaskChild, error: WireError): void;
  ended(child: TaskChild, end: ChildEnd): void;
}

/** The attempt in a process, as the process's messages concern it. */
export interface Occupant {
  grantLine(): string;
  ref(): AttemptRef;
  cancelRequest(): ToTaskProcess | undefined;
  received(message: FromTaskProcess): void;
  processEnded(end: ChildEnd): void;
}

/** A process may have sent its last words just before it ended: its socket gets this long to show them. */
const LAST_WORDS_MS = 500;

/** One task process: its socket, its output files, its end. */
export class TaskChild implements TaskPeer {
  readonly machine: MachinePreset | undefined;
  readonly stdout: OutputFile;
  readonly stderr: OutputFile;
  readonly bootedAt = performance.now();
  /** Why the runner ended it, where it did. */
  kill: Kill | undefined;
  exiting: { code: number; stack: string } | undefined;
  hasBooted = false;
  hasEnded = false;
  idleSince = 0;
  occupant: Occupant | undefined;
  readonly #boot: Boot;
  readonly #listener: ChildListener;
  readonly #key: string;
  readonly #process: ChildProcess;
  #socket: Socket | undefined;
  #end: ChildEnd | undefined;
  #killTimer: NodeJS.Timeout | undefined;

  private constructor(
    boot: Boot,
    machine: MachinePreset | undefined,
    listener: ChildListener,
    key: string,
    output: [OutputFile, OutputFile],
  ) {
    this.#boot = boot;
    this.machine = machine;
    this.#listener = listener;
    this.#key = key;
    [this.stdout, this.stderr] = output;
    boot.sockets.expect(key, this);
    this.#process = spawn(process.execPath, this.#nodeArguments(), {
      cwd: boot.cwd,
      env: {
        ...boot.env,
        [TASK_PROCESS_VARIABLE]: JSON.stringify({ ...boot.process, socket: boot.sockets.path, key }),
      },
      stdio: ["ignore", this.stdout.fd, this.stderr.fd],
      windowsHide: true,
    });
    this.#process.once("exit", (exitCode, signal) => this.#exited({ exitCode, signal, spawnError: undefined }));
    this.#process.once("error", (spawnError) => {
      if (this.#process.pid === undefined) this.#exited({ exitCode: null, signal: null, spawnError });
    });
  }

  static async start(boot: Boot, machine: MachinePreset | undefined, listener: ChildListener): Promise<TaskChild> {
    const key = randomBytes(16).toString("hex");
    const output = await Promise.all(
      (["out", "err"] as const).map((stream) => OutputFile.create(join(boot.runsDir, `${key.slice(0, 12)}.${stream}`))),
    );
    return new TaskChild(boot, machine, listener, key, output as [OutputFile, OutputFile]);
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  #nodeArguments(): string[] {
    const heap = this.machine ? [`--max-old-space-size=${heapMegabytes(this.machine)}`] : [];
    return [...heap, this.#boot.programFile];
  }

  /** Gives the process its attempt. What it has is sent again should it reconnect without. */
  occupy(occupant: Occupant): void {
    this.occupant = occupant;
    this.#socket?.write(occupant.grantLine());
  }

  send(message: ToTaskProcess): void {
    this.#socket?.write(encodeMessage(message));
  }

  connected(socket: Socket, hello: Extract<FromTaskProcess, { t: "hello" }>): void {
    this.#socket = socket;
    // The first message makes the process compile what reads messages: better now than when a run waits.
    if (!this.hasBooted) return this.send({ t: "ping", n: 0 });
    if (!this.occupant) return;
    const { executionId, attempt } = this.occupant.ref();
    const holdsIt = hello.holds?.executionId === executionId && hello.holds.attempt === attempt;
    if (!holdsIt) socket.write(this.occupant.grantLine());
    const cancel = this.occupant.cancelRequest();
    if (cancel) socket.write(encodeMessage(cancel));
  }

  received(message: FromTaskProcess): void {
    switch (message.t) {
      case "ready":
        this.hasBooted = true;
        return this.#listener.ready(this);
      case "bootFailed":
        return this.#listener.bootFailed(this, message.error);
      case "exiting":
        this.exiting = message;
        return;
      default:
        this.occupant?.received(message);
    }
  }

  disconnected(socket: Socket): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    if (this.#end) this.#announceEnd();
  }

  /** SIGTERM, and SIGKILL to it and what it started if it is still there after the grace. */
  terminate(kill: Kill | undefined): void {
    this.kill ??= kill;
    if (this.#end || this.#killTimer) return;
    this.#signal("SIGTERM");
    this.#killTimer = setTimeout(() => this.killNow(kill), this.#boot.killGraceMs);
  }

  killNow(kill: Kill | undefined): void {
    this.kill ??= kill;
    if (this.#end) return;
    this.#killDescendants();
    this.#signal("SIGKILL");
  }

  /** Its attempt is over: lets it end, and ends what it started and left behind. */
  dismiss(): void {
    this.#killDescendants();
    this.send({ t: "exit" });
    this.expectExit();
  }

  #killDescendants(): void {
    for (const pid of this.pid === undefined ? [] : this.#boot.os.descendants(this.pid)) signalPid(pid);
  }

  /** It is on its way out: make sure that it gets there. */
  expectExit(): void {
    if (!this.#end) this.#killTimer ??= setTimeout(() => this.killNow(undefined), this.#boot.killGraceMs);
  }

  #signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  #exited(end: ChildEnd): void {
    this.#end = end;
    clearTimeout(this.#killTimer);
    if (!this.#socket) this.#announceEnd();
    else setTimeout(() => this.#announceEnd(), LAST_WORDS_MS).unref();
  }

  #announceEnd(): void {
    if (this.hasEnded || !this.#end) return;
    this.hasEnded = true;
    this.#boot.sockets.forget(this.#key);
    this.#socket?.destroy();
    const occupant = this.occupant;
    this.occupant = undefined;
    occupant?.processEnded(this.#end);
    this.#listener.ended(this, this.#end);
  }

  removeFiles(): Promise<unknown> {
    return Promise.all([this.stdout.remove(), this.stderr.remove()]);
  }
}

function signalPid(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended meanwhile.
  }
}
