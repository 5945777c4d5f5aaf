import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { HostPod } from "./support/host-pod.ts";
import { writeImageFiles } from "./support/image-files.ts";
import { eventually } from "./support/patience.ts";
import { run } from "./support/shell.ts";

/**
 * What the image for process checkpoints brings along, without runner and platform, and on nodes whose clocks differ: in
 * namespaces of this machine. Only root may make those.
 */
const onThisMachine = describe.skipIf(process.platform !== "linux" || process.getuid?.() !== 0);

const DAY_S = 86_400;
const CRIU = "/gantry/criu/criu";
const HOW = "--unprivileged --images-dir /tmp/pod/stored --tcp-close --shell-job --leave-stopped";

let folder: string;
let root: string;
beforeAll(async () => {
  if (process.getuid?.() !== 0) return;
  folder = await mkdtemp(join(tmpdir(), "gantry-native-"));
  root = join(folder, "root");
  await mkdir(root);
  await writeImageFiles("gantry/worker-checkpoints", "dev", root);
});
afterAll(() => run("rm", ["-rf", "--one-file-system", folder]));

const pods: HostPod[] = [];
afterEach(() => Promise.all(pods.splice(0).map((pod) => pod.close())));

/** A pod of this machine, until the end of the test; its clock is so many seconds ahead. */
function newPod(aheadS: number): HostPod {
  const pod = new HostPod(root, aheadS);
  pods.push(pod);
  return pod;
}

/** What every pod of a test sees as /tmp/pod, as if it had been carried there. */
const carried = (name: string) => join(root, "tmp", "pod", name);
beforeEach(async () => {
  if (root === undefined) return;
  await rm(carried(""), { recursive: true, force: true });
  await mkdir(carried("stored"), { recursive: true });
  await copyFile(join(import.meta.dirname, "fixtures/native/timers.mjs"), carried("timers.mjs"));
  await setClock(0);
  await run("chown", ["-R", "1000:1000", carried("")]);
});

/** Seconds to be added to a process's monotonic clocks. */
function setClock(seconds: number): Promise<void> {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(seconds) * 1_000_000_000n);
  return writeFile(carried("clock"), bytes);
}

async function lines(name: string): Promise<string[]> {
  return (await readFile(carried(name), "utf8").catch(() => "")).split("\n").slice(0, -1);
}

const untilSaid = (name: string, what: RegExp) =>
  eventually(`${what} in ${name}`, async () => (await lines(name)).map((line) => what.exec(line)).find(Boolean));

/** Starts a program under task-parent; the ids of both. */
async function start(pod: HostPod, command: string, variables = ""): Promise<{ parent: number; pid: number }> {
  const parent = await pod.run(
    `${variables} GANTRY_CLOCK_FILE=/tmp/pod/clock /gantry/criu/task-parent run ${command} </dev/null >/tmp/pod/out 2>&1 3>/tmp/pod/pid & echo $!`,
  );
  const [, pid] = (await untilSaid("pid", /^pid (\d+)$/)) as RegExpExecArray;
  return { parent: Number(parent), pid: Number(pid) };
}

const dump = (pod: HostPod, pid: number) => pod.run(`${CRIU} dump ${HOW} -t ${pid} -o dump.log`);

/** Brings the process back and lets it go on; the id of its new parent. */
async function restore(pod: HostPod, pid: number): Promise<number> {
  const parent = await pod.run(
    `/gantry/criu/task-parent restore ${pid} ${CRIU} restore ${HOW} -o restore.log </dev/null 3>/tmp/pod/restored & echo $!`,
  );
  await untilSaid("restored", new RegExp(`^pid ${pid}$`));
  await pod.run(`kill -CONT ${pid}`);
  return Number(parent);
}

const isThere = (pod: HostPod, pid: number) => pod.run(`[ -d /proc/${pid} ] && echo yes || echo no`);
const untilGone = (pod: HostPod, pid: number) =>
  eventually(`the end of ${pid}`, async () => ((await isThere(pod, pid)) === "no" ? true : undefined));

onThisMachine("the image for process checkpoints", () => {
  test("lets CRIU have two capabilities, and has nothing else that gives privileges", async () => {
    expect(await run("getcap", ["-r", root])).toBe(`${root}${CRIU} cap_setpcap,cap_checkpoint_restore=ep`);
    expect(await run("find", [root, "-xdev", "-type", "f", "-perm", "/6000"])).toBe("");
  });

  test("has a CRIU that can store open connections on new kernels", async () => {
    const pod = newPod(0);
    const [, major, minor] = /Version: (\d+)\.(\d+)/.exec(await pod.run(`${CRIU} --version`)) ?? [];
    expect(Number(major) * 100 + Number(minor)).toBeGreaterThanOrEqual(402);
  });
});

onThisMachine("a process that was stored", () => {
  const CLOCKS = {
    "on a node with the same clock": { storedAheadS: 40 * DAY_S, restoredAheadS: 40 * DAY_S },
    "on a node whose clock is 30 days behind": { storedAheadS: 40 * DAY_S, restoredAheadS: 10 * DAY_S },
    "on a node whose clock is 30 days ahead": { storedAheadS: 40 * DAY_S, restoredAheadS: 70 * DAY_S },
  };
  test.each(Object.entries(CLOCKS))("%s: each timer fires once, on time", async (_where, clocks) => {
    const first = newPod(clocks.storedAheadS);
    const { pid } = await start(first, "node /tmp/pod/timers.mjs");
    await untilSaid("out", /tick/);
    await dump(first, pid);
    await first.close();
    expect((await lines("out")).join()).not.toMatch(/timeout|thread/);
    await setClock(clocks.storedAheadS - clocks.restoredAheadS);
    const pod = newPod(clocks.restoredAheadS);
    await restore(pod, pid);
    const restoredAt = Date.now();
    for (const last of [/hrtime/, /thread/]) await untilSaid("out", last);
    const said = (await lines("out")).map((line) => ({ at: Number(line.split(" ")[0]), what: line.split(" ")[1] }));
    const at = (wanted: string) => said.filter(({ what }) => what === wanted).map((each) => each.at);
    const [began = 0] = at("begin");
    // What was due meanwhile fires at once.
    const atMost = Math.max(began + 6_000, restoredAt) + 5_000;
    for (const once of ["timeout", "thread"]) {
      expect(at(once), once).toHaveLength(1);
      expect(at(once)[0], once).toBeGreaterThanOrEqual(began + 5_950);
      expect(at(once)[0], once).toBeLessThan(atMost);
    }
    const elapsed = Number((await untilSaid("out", /hrtime (\d+)/))?.[1]);
    expect(elapsed).toBeGreaterThan(6_000);
    expect(elapsed).toBeLessThan(atMost - began);
    const ticks = at("tick");
    // Not all that it missed, at once.
    expect(ticks.length).toBeLessThanOrEqual(((ticks.at(-1) ?? 0) - began) / 250 + 1);
    expect(ticks.length).toBeGreaterThan(3);
  });

  test("has ids that its next pod has not used, and is the child of who brought it back", async () => {
    const first = newPod(0);
    const { pid } = await start(first, "node /tmp/pod/timers.mjs");
    await untilSaid("out", /tick/);
    expect(pid).toBeGreaterThanOrEqual(500);
    await dump(first, pid);
    const next = newPod(0);
    const parent = await restore(next, pid);
    expect(await next.run(`cat /proc/${parent}/task/${parent}/children`)).toBe(String(pid));
    const own = await next.run("cd /proc; echo [0-9]*");
    expect(own.split(" ").filter((id) => Number(id) < 500 && Number(id) > 100)).toEqual([]);
  });

  test("has no capability, before and after", async () => {
    const sets = (pod: HostPod, pid: number) => pod.run(`grep -E '^Cap(Inh|Prm|Eff|Amb)' /proc/${pid}/status`);
    const none = ["CapInh", "CapPrm", "CapEff", "CapAmb"].map((set) => `${set}:\t0000000000000000`).join("\n");
    const first = newPod(0);
    const { pid } = await start(first, "node /tmp/pod/timers.mjs");
    await untilSaid("out", /tick/);
    expect(await sets(first, pid)).toBe(none);
    await dump(first, pid);
    const next = newPod(0);
    await restore(next, pid);
    expect(await sets(next, pid)).toBe(none);
  });

  test("is not brought back where another has its id, and that one is left alone", async () => {
    const first = newPod(0);
    const { pid } = await start(first, "node /tmp/pod/timers.mjs");
    await untilSaid("out", /tick/);
    await dump(first, pid);
    const next = newPod(0);
    await run("rm", [carried("pid")]);
    expect((await start(next, "sleep 600")).pid).toBe(pid);
    const failed = `/gantry/criu/task-parent restore ${pid} ${CRIU} restore ${HOW} -o restore.log </dev/null 3>/tmp/pod/restored`;
    expect(await next.run(`${failed}; echo $?`)).toContain("123");
    expect(await lines("restored")).toEqual([]);
    expect(await next.run(`tr '\\0' ' ' </proc/${pid}/cmdline`)).toBe("sleep 600");
  });
});

onThisMachine("a task process", () => {
  test("has no io_uring, which Node takes where it may", async () => {
    const pod = newPod(0);
    const program = `node -e 'console.log(child_process.execSync("ls -l /proc/" + process.pid + "/fd").toString())'`;
    expect(await pod.run(`UV_USE_IO_URING=1 ${program}`)).toContain("io_uring");
    await start(pod, program, "UV_USE_IO_URING=1");
    await untilSaid("out", /^$/);
    const said = (await lines("out")).join("\n");
    expect(said).toContain("eventpoll");
    expect(said).not.toContain("io_uring");
  });

  test("hands its environment on as the user set it", async () => {
    const pod = newPod(0);
    await start(pod, "sh -c 'env; echo done'", "LD_PRELOAD=libm.so.6");
    await untilSaid("out", /^done$/);
    const said = (await lines("out")).filter((line) => /LD_PRELOAD|GANTRY_CLOCK/.test(line));
    expect(said).toEqual(["LD_PRELOAD=libm.so.6"]);
  });

  test("does not start without the clock that it was promised", async () => {
    const pod = newPod(0);
    await pod.run("rm /tmp/pod/clock; echo short >/tmp/pod/clock");
    await start(pod, "node /tmp/pod/timers.mjs");
    await untilSaid("out", /the clock's file \/tmp\/pod\/clock: it is too short/);
  });

  const ENDS = {
    "that is killed": { signal: "KILL", wantStatus: 137 },
    "that is told to end": { signal: "TERM", wantStatus: 143 },
  };
  describe.each([false, true])("(brought back: %s)", (isRestored) => {
    test.each(Object.entries(ENDS))("ends with a parent %s", async (_how, { signal, wantStatus }) => {
      const first = newPod(0);
      let { parent, pid } = await start(first, "node /tmp/pod/timers.mjs");
      await untilSaid("out", /tick/);
      if (isRestored) await dump(first, pid);
      const next = newPod(0);
      if (isRestored) parent = await restore(next, pid);
      const pod = isRestored ? next : first;
      expect(await pod.run(`kill -${signal} ${parent}; wait ${parent}; echo $?`)).toContain(String(wantStatus));
      await untilGone(pod, pid);
    });
  });
});
