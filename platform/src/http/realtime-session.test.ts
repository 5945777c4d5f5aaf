import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { PROD } from "../../test/support/served-http.ts";
import { AppError } from "../errors.ts";
import type { RealtimeSocket, SocketFeature } from "../realtime/realtime-socket.ts";
import { RENEWAL_GRACE_MS, RealtimeSession } from "./realtime-session.ts";
import { LastFrame } from "./text-frame.ts";

const EXPIRES_AT = 1_000_000;

/** A session whose socket takes what it is sent when the test says so, with one feature that is only watched. */
function session() {
  const sent: string[] = [];
  const taken: (() => void)[] = [];
  const told: string[] = [];
  let socket: RealtimeSocket | undefined;
  const wire = Object.assign(new EventEmitter(), {
    conn: {
      write(text: string, _options: object, isTaken: () => void) {
        sent.push(text);
        taken.push(isTaken);
      },
    },
    disconnect: () => void told.push("hung up"),
  });
  const feature: SocketFeature = {
    events: {},
    ready: () => void told.push("ready"),
    renewed: () => void told.push("renewed"),
    end: (error) => void told.push(error.code),
    gone: () => void told.push("gone"),
  };
  const principal = (token: string) => ({
    kind: "public" as const,
    environment: PROD,
    scopes: [],
    tokenId: token,
    oneTimeUse: false,
    expiresAt: token === "old" ? EXPIRES_AT : EXPIRES_AT + 1_000_000,
  });
  const identity = (token: string) => ({ principal: principal(token), environment: PROD, bucket: "b" });
  const revoked = new Set<string>();
  let answer = () => undefined as void;
  const store = new Promise<void>((resolve) => (answer = resolve));
  const live = new RealtimeSession(
    wire as never,
    { credential: { token: "old" }, identity: identity("old"), environment: PROD },
    0,
    {
      features: [
        (given) => {
          socket = given;
          return feature;
        },
      ],
      authenticate: async ({ token }) => {
        if (token === "old") await store;
        if (revoked.has(token)) throw new AppError("UNAUTHORIZED", "Revoked.");
        return identity(token);
      },
      takeRate: async () => undefined,
      link: () => "",
      toAppError: (error) => error as AppError,
      frames: new LastFrame(),
    },
  );
  const ask = (event: string, request: unknown) => new Promise((resolve) => wire.emit(event, request, resolve));
  return { live, socket: socket as RealtimeSocket, sent, taken, told, wire, ask, revoked, answer: () => answer() };
}

test("what is expired is silent at once, and over a minute later", () => {
  const { live, socket, sent, told } = session();
  live.expire(EXPIRES_AT - 1);
  expect([socket.isReady, sent]).toEqual([true, []]);
  live.expire(EXPIRES_AT);
  live.expire(EXPIRES_AT + RENEWAL_GRACE_MS - 1);
  expect([socket.isReady, sent, told]).toEqual([false, ['2/realtime,["expired"]'], []]);
  live.expire(EXPIRES_AT + RENEWAL_GRACE_MS);
  expect(told).toEqual(["TOKEN_EXPIRED", "hung up"]);
});

test("a renewal in that minute goes on", async () => {
  const { live, socket, told, ask } = session();
  live.expire(EXPIRES_AT);
  expect(await ask("renew", { token: "new" })).toEqual({ ok: true });
  expect([socket.isReady, told]).toEqual([true, ["renewed", "ready"]]);
  live.expire(EXPIRES_AT + RENEWAL_GRACE_MS);
  expect(told).toHaveLength(2);
});

test("a token that was revoked ends everything when it is looked at again; one that is being renewed does not", async () => {
  const { live, told, revoked, ask, answer } = session();
  revoked.add("old");
  const looking = live.recheck(5);
  await ask("renew", { token: "new" });
  answer();
  await looking;
  expect(told).not.toContain("UNAUTHORIZED");
  revoked.add("new");
  await live.recheck(6);
  expect(told.slice(-2)).toEqual(["UNAUTHORIZED", "hung up"]);
});

test("a socket that takes nothing is not ready once 64 KB wait, and is again when they are taken", () => {
  const { socket, sent, taken, told } = session();
  for (let n = 0; n < 100 && socket.isReady; n++) socket.sendJson("update", JSON.stringify("x".repeat(10_000)));
  expect(sent).toHaveLength(7);
  expect(told).toEqual([]);
  for (const isTaken of taken.slice(0, 6)) isTaken();
  expect(socket.isReady).toBe(false);
  taken.at(-1)?.();
  expect([socket.isReady, told]).toEqual([true, ["ready"]]);
});

test("nothing is sent to one that has gone", () => {
  const { socket, sent, told, wire } = session();
  wire.emit("disconnect");
  socket.send("stale", { id: "1" });
  expect([socket.isReady, sent, told]).toEqual([false, [], ["gone"]]);
});
