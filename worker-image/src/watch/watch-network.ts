import { subscribe } from "node:diagnostics_channel";
import { Socket } from "node:net";
import { type Bindings, holderOf, isLoaded } from "./bindings.ts";
import type { Effects } from "./effects.ts";
import { patch } from "./patch.ts";
import type { StrictSockets } from "./strict-sockets.ts";

const STREAM_WRITES = [
  "writev",
  "writeBuffer",
  "writeAsciiString",
  "writeUtf8String",
  "writeUcs2String",
  "writeLatin1String",
];
/** Requests that wait in a client's queue lose the caller's context: their making counts, not their sending. */
const REQUESTS: [channel: string, call: string][] = [
  ["undici:request:create", "fetch"],
  ["http.client.request.created", "http.request"],
  ["http2.client.stream.created", "http2.request"],
];

/** How a pool takes leave of a server when a connection has been idle for long: PostgreSQL's Terminate, MySQL's COM_QUIT. */
const FAREWELLS = ["5800000004", "0100000001"];

/** Bytes that leave the process. Call time and handle level both: a client may queue, and http2 touches no socket of JavaScript. */
export class NetworkWatch {
  readonly #effects: Effects;
  readonly #strict: StrictSockets;
  /** The runner's sockets and their handles. */
  readonly #ignored = new WeakSet<object>();
  #isDgramPatched = false;

  constructor(effects: Effects, strict: StrictSockets, { TCP, TLSWrap, UDP }: Bindings) {
    this.#effects = effects;
    this.#strict = strict;
    patch(globalThis, "fetch", () => effects.check("bytes", "fetch"));
    patch(Socket.prototype, "write", (socket, args) => this.#wrote(socket as Socket, args[0]));
    patch(Socket.prototype, "end", (socket, args) => this.#wrote(socket as Socket, args[0]));
    for (const { prototype } of [TCP, TLSWrap]) {
      for (const method of STREAM_WRITES) {
        const holder = holderOf(prototype, method);
        if (holder) patch(holder, method, (handle, args) => this.#sent(handle as object, args[1]));
      }
    }
    for (const method of ["send", "send6"])
      patch(UDP.prototype, method, (handle) => this.#sent(handle as object, undefined));
    for (const [channel, call] of REQUESTS) subscribe(channel, () => effects.check("bytes", call));
    this.patchLoaded();
  }

  /** Modules that cost too much to load for nobody: looked at again before each function. */
  patchLoaded(): void {
    if (this.#isDgramPatched || !isLoaded("dgram")) return;
    this.#isDgramPatched = true;
    const { Socket: Datagrams } = process.getBuiltinModule("node:dgram");
    patch(Datagrams.prototype, "send", () => this.#effects.check("bytes", "dgram.send"));
  }

  ignore(socket: Socket): void {
    this.#ignored.add(socket);
    const { _handle } = socket as { _handle?: object };
    if (_handle) this.#ignored.add(_handle);
  }

  #wrote(socket: Socket, data: unknown): void {
    // An empty write, or an end without data, is no message to anybody.
    if (data === undefined || data === null || data === "" || typeof data === "function") return;
    if (this.#ignored.has(socket)) return;
    if (this.#effects.happens("bytes") && !isStdio(socket as { fd?: unknown }) && !isFarewell(data))
      this.#effects.add("bytes", "socket.write");
  }

  #sent(handle: object, data: unknown): void {
    if (this.#ignored.has(handle)) return;
    this.#strict.used(handle);
    if (this.#effects.happens("bytes") && !isStdio(handle) && !isFarewell(data))
      this.#effects.add("bytes", "socket.write");
  }
}

function isStdio(of: { fd?: unknown }): boolean {
  return of.fd === 1 || of.fd === 2;
}

function isFarewell(data: unknown): boolean {
  return data instanceof Uint8Array && data.length === 5 && FAREWELLS.includes(Buffer.from(data).toString("hex"));
}
