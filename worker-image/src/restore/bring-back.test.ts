import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NodeFeatures, RestoreGrant } from "@gantry/sdk/contract";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type CheckpointMemo, encodeMemo } from "../checkpoint/checkpoint-memo.ts";
import { sealChunk } from "../checkpoint/chunk-cipher.ts";
import { pack } from "../checkpoint/pack.ts";
import { bringBack, checkedMemo, type RestoreGround } from "./bring-back.ts";
import { ChunkRefused } from "./chunk-fetch.ts";

const KEY = { checkpointId: "checkpoint_1", key: Buffer.alloc(32, 3).toString("base64") };
const FEATURES: NodeFeatures = { node: "there", arch: "x64", kernel: "6.18.1", cpuFlags: ["avx", "sse"] };
const HOUR_MS = 3_600_000;

let dir: string;
let chunks: Buffer[];
let restore: RestoreGrant;
let done: string[];
let stop: AbortController;
let restored: ChildProcess | undefined;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "gantry-back-"));
  done = [];
  stop = new AbortController();
  restored = undefined;
  ({ chunks, restore } = await store());
});
afterEach(async () => {
  restored?.kill("SIGKILL");
  await rm(dir, { recursive: true, force: true });
});

const memoOf = (): Omit<CheckpointMemo, "version"> => ({
  pid: 1234,
  key: "key",
  socket: join(dir, "1.sock"),
  until: join(dir, "go-on"),
  carried: [dir],
  imagesDir: join(dir, "images"),
  stdout: { path: join(dir, "out"), offset: 0 },
  stderr: { path: join(dir, "err"), offset: 0 },
  clock: { file: join(dir, "clock"), monotonicNs: "5000000000", wallMs: Date.now() - HOUR_MS },
  from: { executionId: "old", attempt: 1 },
});

/** What the other runner has left: an archive of two files; then the folder is empty, as in a new pod. */
async function store(): Promise<{ chunks: Buffer[]; restore: RestoreGrant }> {
  await mkdir(join(dir, "images"));
  await writeFile(join(dir, "images/core.img"), "the process");
  await writeFile(join(dir, "its-own.txt"), "a file of its own");
  const sealed: Buffer[] = [];
  for await (const piece of pack({ include: [dir], exclude: [] }, new AbortController().signal).pieces)
    sealed.push(sealChunk(KEY, sealed.length, piece));
  for (const name of await readdir(dir)) await rm(join(dir, name), { recursive: true });
  const all = Buffer.concat(sealed);
  const sizes = { chunks: sealed.length, bytes: 1, storedBytes: all.length };
  const sha256 = createHash("sha256").update(all).digest("hex");
  return {
    chunks: sealed,
    restore: { ...KEY, ...sizes, sha256, features: FEATURES, memo: encodeMemo(memoOf()), known: 1 },
  };
}

function ground(overrides: Partial<RestoreGround> = {}): RestoreGround {
  return {
    criu: {
      dump: () => Promise.reject(new Error("nothing is dumped here")),
      restore: async (pid, images) => {
        done.push(`restore ${pid} from ${(await readdir(images)).join()}`);
        restored = spawn("sleep", ["60"]);
        return restored;
      },
    },
    features: async () => ({ ...FEATURES, node: "here" }),
    chunks: (checkpointId) => async (number) => {
      done.push(`fetch ${checkpointId}/${number}`);
      return chunks[number] as Buffer;
    },
    folders: [dir],
    listenAt: async (path) => void done.push(`listen ${path}`),
    ...overrides,
  };
}

describe("bringing a process back", () => {
  test("listens, fetches, unpacks, sets the clock and has CRIU make it, in this order", async () => {
    await writeFile(join(dir, "go-on"), "of an earlier time");
    const back = await bringBack(restore, ground(), stop.signal);
    expect(done).toEqual([`listen ${dir}/1.sock`, "fetch checkpoint_1/0", "restore 1234 from core.img"]);
    expect(back).toMatchObject({ memo: { pid: 1234 }, parent: restored });
    expect(await readFile(join(dir, "its-own.txt"), "utf8")).toBe("a file of its own");
    expect((await readdir(dir)).sort()).toEqual(["clock", "images", "its-own.txt"]);
    // It goes on an hour after it stopped at five seconds.
    const offset = (await readFile(join(dir, "clock"))).readBigInt64LE();
    const itsClockMs = Number((process.hrtime.bigint() + offset) / 1_000_000n);
    expect(itsClockMs).toBeGreaterThanOrEqual(5_000 + HOUR_MS);
    expect(itsClockMs).toBeLessThan(5_000 + HOUR_MS + 10_000);
    // Nothing but a file says that it may.
    await expect(access(join(dir, "go-on"))).rejects.toThrow("ENOENT");
  });

  const faults: Record<
    string,
    { overrides?: () => Partial<RestoreGround>; change?: () => void; want: string; wantDone: number }
  > = {
    "the memo is another version's": {
      change: () => (restore.memo = '{"version":2}'),
      want: "another version",
      wantDone: 0,
    },
    "the memo is cut off": { change: () => (restore.memo = '{"version":'), want: "JSON", wantDone: 0 },
    "the processor lacks something": {
      overrides: () => ({ features: async () => ({ ...FEATURES, node: "here", cpuFlags: ["sse"] }) }),
      want: "the processor of here lacks avx",
      wantDone: 0,
    },
    "its socket cannot be made": {
      overrides: () => ({ listenAt: () => Promise.reject(new Error("EADDRINUSE")) }),
      want: "EADDRINUSE",
      wantDone: 0,
    },
    "a chunk is gone": {
      overrides: () => ({ chunks: () => () => Promise.reject(new ChunkRefused("chunk 0: HTTP 404")) }),
      want: "HTTP 404",
      wantDone: 1,
    },
    "a byte was changed": {
      change: () => void ((chunks[0] as Buffer)[20] = ((chunks[0] as Buffer)[20] ?? 0) ^ 1),
      want: "is not what was stored",
      wantDone: 2,
    },
    "the key is another one's": {
      change: () => (restore.key = Buffer.alloc(32, 4).toString("base64")),
      want: "is not what was stored",
      wantDone: 2,
    },
    "the archive has a file elsewhere": {
      change: () =>
        (restore.memo = encodeMemo({
          ...memoOf(),
          carried: [`${dir}/images`],
          stdout: at("images/a"),
          stderr: at("images/b"),
        })),
      want: "is not below",
      wantDone: 2,
    },
  };
  const at = (name: string) => ({ path: join(dir, name), offset: 0 });
  test.each(Object.entries(faults))("fails where %s, before there is a process", async (_sentence, fault) => {
    fault.change?.();
    await expect(bringBack(restore, ground(fault.overrides?.()), stop.signal)).rejects.toThrow(fault.want);
    expect(done.length).toBe(fault.wantDone);
    expect(restored).toBeUndefined();
  });

  test("fails with CRIU's reason", async () => {
    const criu = { ...ground().criu, restore: () => Promise.reject(new Error("Can't fork for 1234: File exists")) };
    await expect(bringBack(restore, ground({ criu }), stop.signal)).rejects.toThrow("File exists");
  });

  test("that is given up while it fetches makes no process", async () => {
    const chunks = () => () => {
      stop.abort(new Error("given up"));
      return new Promise<Buffer>((_, reject) => reject(stop.signal.reason));
    };
    await expect(bringBack(restore, ground({ chunks }), stop.signal)).rejects.toThrow("given up");
    expect(restored).toBeUndefined();
  });

  test("that is given up while CRIU makes it ends what CRIU has made", async () => {
    const child = spawn("sleep", ["60"]);
    const ended = once(child, "exit");
    const pid = child.pid as number;
    restore.memo = encodeMemo({ ...memoOf(), pid });
    const criu = {
      ...ground().criu,
      restore: async () => {
        stop.abort(new Error("given up"));
        return child;
      },
    };
    await expect(bringBack(restore, ground({ criu }), stop.signal)).rejects.toThrow("given up");
    expect(await ended).toEqual([null, "SIGKILL"]);
  });
});

describe("what a memo may name", () => {
  const stray: Record<string, Partial<CheckpointMemo>> = {
    "a folder of the system": { carried: ["/etc"] },
    "a folder above": { carried: ["/"] },
    "a way upwards": { carried: ["DIR/../.."] },
    "images elsewhere": { imagesDir: "/etc" },
    "a socket elsewhere": { socket: "/run/other.sock" },
    "a clock elsewhere": { clock: { file: "/etc/clock", monotonicNs: "0", wallMs: 0 } },
    "a file to wait for elsewhere": { until: "/etc/until" },
    "output elsewhere": { stdout: { path: "/etc/passwd", offset: 0 } },
    "errors elsewhere": { stderr: { path: "/etc/passwd", offset: 0 } },
    "no process": { pid: 0 },
    "the runner itself": { pid: 1 },
  };
  test.each(Object.entries(stray))("not %s", (_sentence, part) => {
    const text = encodeMemo({ ...memoOf(), ...part }).replaceAll("DIR", dir);
    expect(() => checkedMemo(text, [dir])).toThrow("the stored process");
  });

  test("its own folders", () => {
    const memo = memoOf();
    expect(checkedMemo(encodeMemo(memo), ["/other", dir])).toMatchObject(memo);
  });
});
