import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { join } from "node:path";
import type { MachinePreset, WireError } from "@gantry/sdk/contract";
import { ensureClockFile } from "./checkpoint/clock-file.ts";
import { ConnectionPause } from "./checkpoint/connection-pause.ts";
import { spawnTaskParent, taskPid } from "./checkpoint/task-parent.ts";
import type { Kill } from "./exit-policy.ts";
import { encodeMessage } from "./line-protocol.ts";
import type { OsDifferences } from "./os-differences.ts";
import { OutputFile } from "./output-file.ts";
import {
  type AttemptRef,
  type Begin,
  type FromTaskProcess,
  TASK_PROCESS_VARIABLE,
  type TaskProcessConfig,
  type ToTaskProcess,
} from "./process-messages.ts";
import { heapMegabytes } from "./runner-config.ts";
import { signalPid } from "./signal-pid.ts";
import type { TaskPeer, TaskSockets } from "./task-sockets.ts";

/** What a runner needs to boot task processes; the same for all of them. */
export interface Boot {
  programFile: string;
  cwd: string;
  env: NodeJS.ProcessEnv;
  runsDir: string;
  process: Omit<TaskProcessConfig, "socket" | "key" | "entry" | "hasCompileCache">;
  compileCacheDir: string | undefined;
  /** What they import, with which variables; undefined until a runner in a pod has been told. */
  begin: Begin | undefined;
  /** This runner and all that runs below it are one execution's, alone in their container. */
  isAlone: boolean;
  sockets: TaskSockets;
  os: OsDifferences;
  killGraceMs: number;
  /** Where its process may be stored: it then runs below a task-parent. */
  checkpoints: { criuDir: string; clockFile: string } | undefined;
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
  /** To a process that was brought back, and knows its attempt as `holds`: who it is now. Undefined: it is granted anew. */
  goOn(holds: AttemptRef | undefined): ToTaskProcess | undefined;
  /** It has called in, and knows its attempt. */
  backInTouch(): void;
  /** A cancel or a drain that the process may not have heard of. */
  notices(): ToTaskProcess[];
  received(message: FromTaskProcess): void;
  processEnded(end: ChildEnd): void;
}

/** A process that was brought back, stopped, by the parent that ends as it ends. */
export interface Restored {
  /** With which it calls in. */
  key: string;
  pid: number;
  parent: ChildProcess;
  /** Where it calls in; undefined: at this runner's own. */
  socket?: string;
  stdout: { path: string; offset: number };
  stderr: { path: string; offset: number };
}

interface Made {
  key: string;
  socket?: string | undefined;
  output: [OutputFile, OutputFile];
  back?: { pid: number; parent: ChildProcess };
}

/** A process may have sent its last words just before it ended: its socket gets this long to show them. */
const LAST_WORDS_MS = 500;

/** One task process: its socket, its output files, its end. */
export class TaskChild implements TaskPeer {
  readonly machine: MachinePreset | undefined;
  readonly stdout: OutputFile;
  readonly stderr: OutputFile;
  /** When it could begin to import the bundle; undefined while it waits to be told which. */
  importingSince: number | undefined;
  /** Why the runner ended it, where it did. */
  kill: Kill | undefined;
  exiting: { code: number; stack: string } | undefined;
  hasBooted = false;
  hasEnded = false;
  idleSince = 0;
  /** Its attempt waits, without a slot. Set by the pool. */
  isParked = false;
  occupant: Occupant | undefined;
  readonly #boot: Boot;
  readonly #listener: ChildListener;
  /** With which it calls in, and where. */
  readonly key: string;
  readonly socket: string;
  /** The task process itself, or its task-parent. */
  readonly #process: ChildProcess;
  /** Of the task process; undefined until its task-parent has said it. */
  #pid: number | undefined;
  readonly #oomKillsBefore: number | undefined;
  /** Booted ahead: waits for `begin`. */
  readonly #isAhead: boolean;
  #socket: Socket | undefined;
  #pause: ConnectionPause | undefined;
  #end: ChildEnd | undefined;
  #killTimer: NodeJS.Timeout | undefined;

  private constructor(boot: Boot, machine: MachinePreset | undefined, listener: ChildListener, made: Made) {
    this.#boot = boot;
    this.machine = machine;
    this.#listener = listener;
    this.key = made.key;
    this.socket = made.socket ?? boot.sockets.path;
    [this.stdout, this.stderr] = made.output;
    boot.sockets.expect(made.key, this);
    this.#isAhead = boot.begin === undefined;
    if (boot.begin) this.importingSince = performance.now();
    if (boot.isAlone && !made.back) killLeftovers(boot.os);
    this.#oomKillsBefore = boot.os.oomKills();
    this.#process = made.back?.parent ?? this.#spawn();
    if (made.back) this.#pid = made.back.pid;
    this.hasBooted = made.back !== undefined;
    for (const pid of [this.#process.pid, made.back?.pid])
      if (boot.isAlone && pid !== undefined) boot.os.sacrifice(pid);
    this.#process.once("exit", (exitCode, signal) => this.#exited({ exitCode, signal, spawnError: undefined }));
    this.#process.once("error", (spawnError) => {
      if (this.#process.pid === undefined) this.#exited({ exitCode: null, signal: null, spawnError });
    });
    const { exitCode, signalCode } = this.#process;
    // Before anybody listened.
    if (exitCode !== null || signalCode !== null) this.#exited({ exitCode, signal: signalCode, spawnError: undefined });
  }

  static async start(boot: Boot, machine: MachinePreset | undefined, listener: ChildListener): Promise<TaskChild> {
    const key = randomBytes(16).toString("hex");
    const output = await Promise.all(
      (["out", "err"] as const).map((stream) => OutputFile.create(join(boot.runsDir, `${key.slice(0, 12)}.${stream}`))),
    );
    if (boot.checkpoints) await ensureClockFile(boot.checkpoints.clockFile);
    return new TaskChild(boot, machine, listener, { key, output: output as [OutputFile, OutputFile] });
  }

  /** Takes over a process that was brought back, and is stopped. It has booted, and it has its attempt. */
  static async adopt(
    boot: Boot,
    machine: MachinePreset,
    listener: ChildListener,
    { key, socket, stdout, stderr, ...back }: Restored,
  ): Promise<TaskChild> {
    const output = await Promise.all([stdout, stderr].map(({ path, offset }) => OutputFile.create(path, offset)));
    const made = { key, socket, output: output as [OutputFile, OutputFile], back };
    return new TaskChild(boot, machine, listener, made);
  }

  #spawn(): ChildProcess {
    const { checkpoints, cwd } = this.#boot;
    const [stdout, stderr] = [this.stdout.fd, this.stderr.fd];
    const options = { cwd, env: this.#environment() };
    if (!checkpoints) {
      const stdio = ["ignore" as const, stdout, stderr];
      const child = spawn(process.execPath, this.#nodeArguments(), { ...options, stdio, windowsHide: true });
      this.#pid = child.pid;
      return child;
    }
    const command = { run: process.execPath, arguments: this.#nodeArguments() };
    const parent = spawnTaskParent(checkpoints.criuDir, command, { ...options, output: [stdout, stderr] });
    void taskPid(parent).then((pid) => (this.#pid = pid));
    return parent;
  }

  /** The task process's. */
  get pid(): number | undefined {
    return this.#pid;
  }

  #nodeArguments(): string[] {
    const heap = this.machine ? [`--max-old-space-size=${heapMegabytes(this.machine)}`] : [];
    return [...heap, this.#boot.programFile];
  }

  #environment(): NodeJS.ProcessEnv {
    const { process: settings, sockets, begin, compileCacheDir, checkpoints } = this.#boot;
    const env = { ...this.#boot.env, ...begin?.variables };
    // By variable, and not by a call in the program, so that the program itself comes from the cache.
    const hasCompileCache = compileCacheDir !== undefined && env.NODE_COMPILE_CACHE === undefined;
    if (hasCompileCache) env.NODE_COMPILE_CACHE = compileCacheDir;
    if (checkpoints) env.GANTRY_CLOCK_FILE = checkpoints.clockFile;
    const told = { entry: begin?.entry, hasCompileCache };
    const config: TaskProcessConfig = { ...settings, ...told, socket: sockets.path, key: this.key };
    return { ...env, [TASK_PROCESS_VARIABLE]: JSON.stringify(config) };
  }

  /** Tells a process that was booted ahead what to import. */
  begin(begin: Begin): void {
    if (!this.#isAhead || this.importingSince !== undefined) return;
    this.importingSince = performance.now();
    this.send({ t: "begin", ...begin });
  }

  /** Whether the kernel killed for lack of memory, here or in what the process started, since it was started. */
  get wasOomKilled(): boolean {
    return (this.#boot.os.oomKills() ?? 0) > (this.#oomKillsBefore ?? 0);
  }

  /** Gives the process its attempt. What it has is sent again should it reconnect without. */
  occupy(occupant: Occupant): void {
    this.occupant = occupant;
    this.#socket?.write(occupant.grantLine());
  }

  send(message: ToTaskProcess): void {
    this.#socket?.write(encodeMessage(message));
  }

  /** Has the process send what waits and close its connection, until the file `until` exists. Errors: it has none to close. */
  pauseConnection(until: string): ConnectionPause {
    if (!this.#socket || this.#pause) throw new Error("its process is not connected");
    this.#pause = new ConnectionPause();
    this.send({ t: "quiesce", until });
    return this.#pause;
  }

  connected(socket: Socket, hello: Extract<FromTaskProcess, { t: "hello" }>): void {
    this.#socket = socket;
    this.#pause?.cameBack();
    this.#pause = undefined;
    if (!this.hasBooted) return this.#greet();
    if (!this.occupant) return;
    const { executionId, attempt } = this.occupant.ref();
    const holdsIt = hello.holds?.executionId === executionId && hello.holds.attempt === attempt;
    const goOn = holdsIt ? undefined : this.occupant.goOn(hello.holds);
    if (goOn) socket.write(encodeMessage(goOn));
    else if (!holdsIt) socket.write(this.occupant.grantLine());
    for (const notice of this.occupant.notices()) socket.write(encodeMessage(notice));
    if (goOn || holdsIt) this.occupant.backInTouch();
  }

  #greet(): void {
    const { begin } = this.#boot;
    if (this.#isAhead && begin) return this.send({ t: "begin", ...begin });
    // The first message makes the process compile what reads messages: better now than when a run waits.
    this.send({ t: "ping", n: 0 });
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
    this.#pause?.hasClosed();
    if (this.#end) this.#announceEnd();
  }

  /** It was stopped. */
  wake(): void {
    this.#signal("SIGCONT");
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
    // Below a task-parent that has not said it, also the task process.
    const root = this.pid ?? this.#process.pid;
    for (const pid of root === undefined ? [] : this.#boot.os.descendants(root)) signalPid(pid);
  }

  /** Its attempt is over and it is ending by itself. */
  get isLeaving(): boolean {
    return this.#killTimer !== undefined;
  }

  /** It is on its way out: make sure that it gets there. */
  expectExit(): void {
    if (!this.#end) this.#killTimer ??= setTimeout(() => this.killNow(undefined), this.#boot.killGraceMs);
  }

  #signal(signal: NodeJS.Signals): void {
    // A task-parent ends as its task process ends.
    if (this.pid === undefined || this.pid === this.#process.pid) this.#process.kill(signal);
    else signalPid(this.pid, signal);
  }

  #exited(end: ChildEnd): void {
    this.#end = end;
    clearTimeout(this.#killTimer);
    // Its task-parent was killed, but not itself: nobody would hear of its end.
    if (end.signal !== null && this.pid !== undefined && this.pid !== this.#process.pid) signalPid(this.pid);
    if (!this.#socket) this.#announceEnd();
    else setTimeout(() => this.#announceEnd(), LAST_WORDS_MS).unref();
  }

  #announceEnd(): void {
    if (this.hasEnded || !this.#end) return;
    this.hasEnded = true;
    this.#pause?.ended();
    this.#boot.sockets.forget(this.key);
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

/** What a process before this one left behind, also what the kernel made the runner's child when its parent ended. */
function killLeftovers(os: OsDifferences): void {
  for (const pid of os.descendants(process.pid)) signalPid(pid);
}
