import { access, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { OPERATING_SYSTEMS } from "./os-differences.ts";
import { type TaskPeer, TaskSockets } from "./task-sockets.ts";

let dir: string;
let sockets: TaskSockets;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "gantry-sockets-"));
  sockets = await TaskSockets.listen(dir, "2.sock", OPERATING_SYSTEMS.linux);
});
afterEach(async () => {
  await sockets.close();
  await rm(dir, { recursive: true });
});

/** Resolves with the peer's first hello. */
function helloOf(key: string): Promise<string> {
  return new Promise((resolve) => {
    const peer: TaskPeer = {
      connected: (_socket, hello) => resolve(hello.key),
      received: () => undefined,
      disconnected: () => undefined,
    };
    sockets.expect(key, peer);
  });
}

function callIn(path: string, key: string): void {
  connect(path).end(`${JSON.stringify({ t: "hello", key })}\n`);
}

describe("a runner's socket", () => {
  test("is also where a process that was brought back looks for it", async () => {
    const path = join(dir, "of/another/1.sock");
    await sockets.listenAlsoAt(path);
    for (const each of [sockets.path, path]) {
      const heard = helloOf("mine");
      callIn(each, "mine");
      expect(await heard).toBe("mine");
    }
    await sockets.close();
    await expect(access(path)).rejects.toThrow("ENOENT");
  });

  test("takes the place of what a runner before left there", async () => {
    const path = join(dir, "1.sock");
    await writeFile(path, "left behind");
    await sockets.listenAlsoAt(path);
    await sockets.listenAlsoAt(path);
    await sockets.listenAlsoAt(sockets.path);
    const heard = helloOf("mine");
    callIn(path, "mine");
    expect(await heard).toBe("mine");
  });
});
