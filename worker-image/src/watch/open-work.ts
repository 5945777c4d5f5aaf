import { subscribe } from "node:diagnostics_channel";
import type { Region } from "@gantry/sdk/task";
import type { Effects } from "./effects.ts";
import type { Surroundings } from "./surroundings.ts";
import { isMadeByUser, markPlace, stackOf } from "./user-frame.ts";

/** Over with their first callback. */
const ONCE = new Set(
  "Timeout Immediate FSREQCALLBACK FSREQPROMISE FILEHANDLECLOSEREQ GETADDRINFOREQWRAP GETNAMEINFOREQWRAP QUERYWRAP TCPCONNECTWRAP PIPECONNECTWRAP UDPSENDWRAP PBKDF2REQUEST SCRYPTREQUEST RANDOMBYTESREQUEST RANDOMPRIMEREQUEST CHECKPRIMEREQUEST KEYPAIRGENREQUEST KEYGENREQUEST KEYEXPORTREQUEST CIPHERREQUEST DERIVEBITSREQUEST HASHREQUEST SIGNREQUEST ARGON2REQUEST KEMREQUEST".split(
    " ",
  ),
);
/** Until they are destroyed, or unreferenced. */
const LASTING = new Set(
  "PROCESSWRAP WORKER HTTPCLIENTREQUEST HTTP2STREAM TCPSERVERWRAP PIPESERVERWRAP FSEVENTWRAP STATWATCHER ZLIB".split(
    " ",
  ),
);
/** What a pool does with its idle connections is not done sooner. */
const HOUSEKEEPING_MS = 1_000;
/** To know a place takes 5 µs: a function that makes timers without end is not held up for each. */
const MAX_PLACES = 500;
/** Enough to reach past Node's frames and ours. */
const PLACE_FRAMES = 16;

interface Request {
  upgrade?: unknown;
}

/** What is looked at of Node's own objects. */
interface Resource {
  hasRef?: () => boolean;
  _repeat?: unknown;
  _idleTimeout?: number;
  ondone?: unknown;
  buffer?: unknown;
}

interface Work {
  type: string;
  region: Region | undefined;
  resource: Resource;
  /** Where it was made, if that matters. */
  place: Error | undefined;
}

/**
 * What is under way in the process that could still resume user code: from a positive list of Node's async resources, by
 * whose code made it. Sockets that only lie in a pool are not on it. What module code began before the function is left
 * out: a new process begins it again.
 */
export class OpenWork {
  readonly #around: Surroundings;
  readonly #effects: Effects;
  readonly #work = new Map<number, Work>();
  readonly #requests = new Set<object>();
  #placesLeft = MAX_PLACES;

  constructor(around: Surroundings, effects: Effects) {
    this.#around = around;
    this.#effects = effects;
    // fetch has no async resource of its own.
    const over = (message: unknown) => this.#requests.delete((message as { request: object }).request);
    subscribe("undici:request:create", (message) => this.#requested((message as { request: Request }).request));
    subscribe("undici:request:trailers", over);
    subscribe("undici:request:error", over);
  }

  forget(): void {
    this.#work.clear();
    this.#requests.clear();
    this.#placesLeft = MAX_PLACES;
  }

  get isBusy(): boolean {
    if (this.#requests.size > 0) return true;
    for (const work of this.#work.values()) if (counts(work)) return true;
    return false;
  }

  created(id: number, type: string, resource: Resource): void {
    if (!ONCE.has(type) && !LASTING.has(type)) return;
    const region = this.#around.region();
    if (region?.kind === "runner" || region?.kind === "repeatable") return;
    this.#work.set(id, { type, region, resource, place: this.#placeOf(type, region, resource) });
  }

  /** A callback is about to run. */
  before(id: number): void {
    const work = this.#work.get(id);
    if (work === undefined) return;
    if (ONCE.has(work.type) && work.resource._repeat == null) this.#work.delete(id);
    if (work.region?.kind === "function" && this.#around.openEntries > 0)
      this.#effects.add("beside", undefined, work.place && stackOf(work.place));
  }

  destroyed(id: number): void {
    this.#work.delete(id);
  }

  #placeOf(type: string, region: Region | undefined, { _idleTimeout = 0 }: Resource): Error | undefined {
    if (region?.kind === "step" && type === "Timeout" && _idleTimeout >= HOUSEKEEPING_MS)
      return markPlace(PLACE_FRAMES);
    if (region?.kind !== "function" || !ONCE.has(type) || this.#placesLeft === 0) return undefined;
    this.#placesLeft--;
    return markPlace(PLACE_FRAMES);
  }

  #requested(request: Request): void {
    // One that becomes a WebSocket never ends as a request.
    if (!this.#around.isActive || request.upgrade) return;
    const region = this.#around.region();
    if (region?.kind !== "runner" && region?.kind !== "repeatable") this.#requests.add(request);
  }
}

function counts({ type, region, resource, place }: Work): boolean {
  if (resource.hasRef?.() === false) return false;
  // What was computed synchronously has a resource too, with nobody to be told.
  if (type.endsWith("REQUEST") && type !== "HTTPCLIENTREQUEST" && resource.ondone === undefined) return false;
  if (type === "ZLIB" && resource.buffer == null) return false;
  // A timer of a client's that a step left behind is its pool's housekeeping.
  if (type === "Timeout" && region?.kind === "step") return place === undefined || isMadeByUser(stackOf(place));
  return true;
}
