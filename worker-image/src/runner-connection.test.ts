import { mkdtemp, rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { encodeMessage } from "./line-protocol.ts";
import { osDifferences } from "./os-differences.ts";
import type { AttemptRef, FromTaskProcess, OutcomeMessage, ToTaskProcess } from "./process-messages.ts";
import { RunnerConnection } from "./runner-connection.ts";
import { TaskSockets } from "./task-sockets.ts";

/** The runner's end: what it heard, connection by connection. */
class Peer {
  readonly hellos: FromTaskProcess[] = [];
  readonly received: FromTaskProcess[] = [];
  readonly sockets: Socket[] = [];
  closed = 0;
  connected(socket: Socket, hello: FromTaskProcess): void {
    this.sockets.push(socket);
    this.hellos.push(hello);
  }
  disconnected(): void {
    this.closed += 1;
  }
  messages(type: FromTaskProcess["t"]): FromTaskProcess[] {
    return this.received.filter((message) => message.t === type);
  }
}

const OUTCOME: OutcomeMessage = {
  t: "outcome",
  executionId: "e1",
  attempt: 1,
  outcome: { kind: "completed", outputType: "application/json" },
  cpuMs: 1,
  maxRssBytes: 1,
  stdoutBytes: 0,
  stderrBytes: 0,
  exits: false,
};

let dir: string;
let sockets: TaskSockets;
let peer: Peer;
let holds: AttemptRef | undefined;
let heard: ToTaskProcess[];
let connection: RunnerConnection;
const onGone = vi.fn();

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "gantry-socket-"));
  sockets = await TaskSockets.listen(dir, "s", osDifferences(process.platform));
  peer = new Peer();
  holds = undefined;
  heard = [];
  sockets.expect("key", {
    connected: (socket, hello) => peer.connected(socket, hello),
    received: (message) => void peer.received.push(message),
    disconnected: () => peer.disconnected(),
  });
  connection = new RunnerConnection({
    socket: sockets.path,
    key: "key",
    holds: () => holds,
    unsaid: () => [],
    onSocket: () => undefined,
    onMessage: (message) => heard.push(message),
    onGone,
  });
});

afterEach(async () => {
  await connection.close();
  await sockets.close();
  await rm(dir, { recursive: true, force: true });
});

test("what is said before the connection is open arrives after the hello, in order", async () => {
  connection.send({ t: "ready" });
  connection.send({ t: "pong", n: 1 });
  connection.open();
  await expect.poll(() => peer.received).toEqual([{ t: "ready" }, { t: "pong", n: 1 }]);
  expect(peer.hellos).toEqual([{ t: "hello", key: "key" }]);
});

test("nothing is lost when the process closes its connection and opens it again", async () => {
  connection.open();
  for (let n = 0; n < 1_000; n++) connection.send({ t: "pong", n });
  await connection.close();
  await expect.poll(() => peer.closed).toBe(1);
  for (let n = 1_000; n < 2_000; n++) connection.send({ t: "pong", n });
  holds = { executionId: "e1", attempt: 2 };
  connection.open();
  await expect.poll(() => peer.received).toHaveLength(2_000);
  expect(peer.received.map((message) => (message.t === "pong" ? message.n : -1))).toEqual(
    Array.from({ length: 2_000 }, (_, n) => n),
  );
  expect(peer.hellos[1]).toEqual({ t: "hello", key: "key", holds });
});

test("an outcome is said again after a reconnect, until something newer came from the runner", async () => {
  connection.open();
  connection.sendOutcome(OUTCOME);
  await expect.poll(() => peer.messages("outcome")).toHaveLength(1);
  peer.sockets[0]?.destroy();
  await expect.poll(() => peer.messages("outcome")).toHaveLength(2);
  connection.forgetOutcome();
  peer.sockets[1]?.destroy();
  await expect.poll(() => peer.hellos).toHaveLength(3);
  connection.send({ t: "ready" });
  await expect.poll(() => peer.messages("ready")).toHaveLength(1);
  expect(peer.messages("outcome")).toHaveLength(2);
});

test("a message that can wait goes with the next one, before it", async () => {
  connection.open();
  await expect.poll(() => peer.hellos).toHaveLength(1);
  connection.sendSoon({ t: "running", at: 5 });
  connection.sendOutcome(OUTCOME);
  await expect.poll(() => peer.received.map((message) => message.t)).toEqual(["running", "outcome"]);
});

test("a message of many chunks comes whole, between others", async () => {
  connection.open();
  const message = "é".repeat(2_000_000);
  connection.send({ t: "ready" });
  connection.send({ t: "events", events: [{ at: 1, kind: "log", level: "info", message }] });
  connection.send({ t: "pong", n: 7 });
  await expect.poll(() => peer.received).toHaveLength(3);
  expect(peer.received[1]).toMatchObject({ t: "events", events: [{ message }] });
  peer.sockets[0]?.write(encodeMessage({ t: "ping", n: 1 }) + encodeMessage({ t: "ping", n: 2 }));
  await expect
    .poll(() => heard)
    .toEqual([
      { t: "ping", n: 1 },
      { t: "ping", n: 2 },
    ]);
});

test("who does not know the key is cut off", async () => {
  const stranger = new RunnerConnection({
    socket: sockets.path,
    key: "guess",
    holds: () => undefined,
    unsaid: () => [],
    onSocket: () => undefined,
    onMessage: () => undefined,
    onGone: () => undefined,
  });
  stranger.open();
  stranger.send({ t: "ready" });
  connection.open();
  await expect.poll(() => peer.hellos).toHaveLength(1);
  expect(peer.received).toEqual([]);
  sockets.expect("guess", { connected: () => undefined, received: () => undefined, disconnected: () => undefined });
  await stranger.close();
});
