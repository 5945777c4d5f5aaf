import { REALTIME_NAMESPACE, type RealtimeAnswer, type RealtimeServerEvents } from "@gantry/sdk/contract";
import type { Socket } from "socket.io";
import { AppError } from "../errors.ts";
import type { EnvironmentRef, Principal } from "../projects/principal.ts";
import type { MakeSocketFeature, RealtimeSocket, SocketFeature } from "../realtime/realtime-socket.ts";
import { type Action, decideAccess, type Resource } from "./access-policy.ts";
import type { Credential, Identity } from "./authenticate.ts";
import type { LastFrame } from "./text-frame.ts";

/** With so many characters unsent nothing more is sent; until so few are left. */
const FULL_AT = 64 * 1024;
const READY_AT = 8 * 1024;
/** What an expired token's subscriptions are given to be renewed. */
export const RENEWAL_GRACE_MS = 60_000;

export interface SessionDeps {
  features: readonly MakeSocketFeature[];
  /** Errors: those of `authenticate`. */
  authenticate(credential: Credential): Promise<Identity>;
  /** Errors: RATE_LIMITED. */
  takeRate(identity: Identity): Promise<void>;
  link(socket: Socket, environmentId: number, runId: string, field: "payload" | "output"): string;
  toAppError(error: unknown): AppError;
  frames: LastFrame;
}

/** One connection: who it is, what it may, how much of what was sent it has taken, and what its features do. */
export class RealtimeSession implements RealtimeSocket {
  readonly environment: EnvironmentRef;
  /** When the token was last looked at, by the caller's clock. */
  checkedAt: number;
  readonly #socket: Socket;
  readonly #deps: SessionDeps;
  readonly #features: readonly SocketFeature[];
  #credential: Credential;
  #identity: Identity;
  #unsent = 0;
  #isFull = false;
  #expiredAt: number | undefined;
  #isGone = false;

  constructor(
    socket: Socket,
    who: { credential: Credential; identity: Identity; environment: EnvironmentRef },
    now: number,
    deps: SessionDeps,
  ) {
    this.#socket = socket;
    this.#deps = deps;
    this.#credential = who.credential;
    this.#identity = who.identity;
    this.environment = who.environment;
    this.checkedAt = now;
    this.#features = deps.features.map((make) => make(this));
    for (const { events } of this.#features)
      for (const [event, handle] of Object.entries(events))
        socket.on(event, (request: unknown, answer: unknown) => void this.#answer(handle, event, request, answer));
    socket.on("renew", (request: unknown, answer: unknown) =>
      this.#answer((asked) => this.#renew(asked), "renew", request, answer),
    );
    socket.on("disconnect", () => this.#gone());
  }

  get principal(): Principal {
    return this.#identity.principal;
  }

  // ── what features ask ──

  get isReady(): boolean {
    return !this.#isFull && this.#expiredAt === undefined && !this.#isGone;
  }

  refusal(action: Action, resources: readonly Resource[]): AppError | undefined {
    const decision = decideAccess(this.principal, action, resources);
    return decision.allow ? undefined : new AppError("FORBIDDEN", decision.message, { details: { ...decision } });
  }

  send<E extends keyof RealtimeServerEvents>(event: E, ...args: Parameters<RealtimeServerEvents[E]>): void {
    this.sendJson(event, args.map((arg) => JSON.stringify(arg)).join(","));
  }

  /** The packet as Socket.IO would make it, of text that is made once for many sockets. */
  sendJson(event: keyof RealtimeServerEvents, json: string): void {
    if (this.#isGone) return;
    const text = `2${REALTIME_NAMESPACE},["${event}"${json === "" ? "" : `,${json}`}]`;
    this.#unsent += text.length;
    if (this.#unsent >= FULL_AT) this.#isFull = true;
    // Socket.IO's own way of sending one text to many sockets; its types do not say so. A "4" is Engine.IO's message.
    const options = { compress: false, wsPreEncodedFrame: [this.#deps.frames.of(`4${text}`)] };
    this.#socket.conn.write(text, options, () => this.#taken(text.length));
  }

  link(runId: string, field: "payload" | "output"): string {
    return this.#deps.link(this.#socket, this.environment.id, runId, field);
  }

  // ── its token ──

  /** Milliseconds since the epoch; undefined where it does not expire by itself. */
  get expiresAt(): number | undefined {
    return "expiresAt" in this.principal ? this.principal.expiresAt : undefined;
  }

  /** Silences an expired token's subscriptions, and ends them a minute later. */
  expire(nowMs: number): void {
    if (this.#expiredAt === undefined) {
      if (this.expiresAt === undefined || nowMs < this.expiresAt) return;
      this.#expiredAt = nowMs;
      this.send("expired");
    } else if (nowMs - this.#expiredAt >= RENEWAL_GRACE_MS)
      this.end(new AppError("TOKEN_EXPIRED", "The token has expired, and no other was sent."));
  }

  /** Looks at the token again: it may be revoked, or allow less. Errors that may pass are left to the next time. */
  async recheck(nowMs: number): Promise<void> {
    this.checkedAt = nowMs;
    const credential = this.#credential;
    try {
      const identity = await this.#deps.authenticate(credential);
      if (this.#credential !== credential) return;
      this.#identity = identity;
      for (const feature of this.#features) feature.renewed();
    } catch (error) {
      if (!(error instanceof AppError) || this.#credential !== credential) return;
      if (error.code === "UNAUTHORIZED" || error.code === "FORBIDDEN" || error.code === "NOT_FOUND") this.end(error);
    }
  }

  /** Ends everything for this reason, and the connection: the client is not to come back by itself. */
  end(error: AppError): void {
    for (const feature of this.#features) feature.end(error);
    this.#socket.disconnect(true);
  }

  async #renew(request: unknown): Promise<void> {
    const token = (request as { token?: unknown } | null)?.token;
    if (typeof token !== "string") throw new AppError("BAD_REQUEST", "A renewal brings a token.");
    const credential = { ...this.#credential, token };
    const identity = await this.#deps.authenticate(credential);
    if (identity.environment?.id !== this.environment.id)
      throw new AppError("FORBIDDEN", "The new token is for another environment; it needs a socket of its own.");
    this.#credential = credential;
    this.#identity = identity;
    this.#expiredAt = undefined;
    for (const feature of this.#features) feature.renewed();
    this.#ready();
  }

  // ── messages ──

  async #answer(
    handle: (request: unknown) => void | Promise<void | (() => void)>,
    event: string,
    request: unknown,
    answer: unknown,
  ): Promise<void> {
    const reply = (value: RealtimeAnswer) => {
      if (typeof answer === "function") answer(value);
    };
    try {
      if (RATED.has(event)) await this.#deps.takeRate(this.#identity);
      if (this.#isGone) return;
      const after = await handle(request);
      reply({ ok: true });
      if (typeof after === "function") after();
    } catch (thrown) {
      const { code, message } = this.#deps.toAppError(thrown);
      reply({ ok: false, error: { code, message } });
    }
  }

  #taken(characters: number): void {
    this.#unsent -= characters;
    if (!this.#isFull || this.#unsent > READY_AT) return;
    this.#isFull = false;
    this.#ready();
  }

  #ready(): void {
    for (const feature of this.#features) if (this.isReady) feature.ready();
  }

  #gone(): void {
    this.#isGone = true;
    for (const feature of this.#features) feature.gone();
  }
}

/** Requests that cost a read: they count against the credential's rate. */
const RATED: ReadonlySet<string> = new Set(["subscribe", "readStream", "renew"]);
