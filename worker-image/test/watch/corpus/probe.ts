/** Prints what user code sees of this process, as JSON: `probe.ts watched|plain <folder>`. */
import crypto, { randomBytes, randomUUID } from "node:crypto";
import dgram from "node:dgram";
import { once } from "node:events";
import fs from "node:fs";
import { createServer, get } from "node:http";
import { createRequire } from "node:module";
import net from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { inspect, types } from "node:util";
import { inRegion } from "../../../../sdk/src/task/region.ts";
import { installWatch } from "../../../src/watch/install-watch.ts";

const [how, folder] = process.argv.slice(2) as [string, string];
const NativeDate = Date;
if (how === "watched") installWatch().begin({ isStrict: true });

/** What a caller sees of a property, but for the function itself. */
function shape(owner: object, key: string): unknown {
  const { value, get: getter, set: _, ...rest } = Object.getOwnPropertyDescriptor(owner, key) ?? {};
  const own = typeof value === "function" ? Object.getOwnPropertyNames(value as object).toSorted() : typeof value;
  const described =
    typeof value === "function" ? [(value as { name: string }).name, (value as { length: number }).length] : [];
  return [rest, own, described, getter !== undefined];
}

/** What is thrown, without its stack. */
async function thrown(body: () => unknown): Promise<unknown> {
  try {
    return ["returned", typeof (await body())];
  } catch (error) {
    const { name, message, code } = error as NodeJS.ErrnoException;
    return [name, message, code];
  }
}

async function probe(): Promise<Record<string, unknown>> {
  const seen: Record<string, unknown> = {};
  Object.assign(seen, shapes(), dates(), await errors(), await working());
  return seen;
}

function shapes(): Record<string, unknown> {
  const seen: Record<string, unknown> = {};
  const owners: [string, object, string[]][] = [
    ["global", globalThis, ["fetch", "Date", "crypto", "performance", "Math"]],
    ["Math", Math, ["random", "max"]],
    ["Date", Date, ["now", "parse", "UTC", "prototype"]],
    ["process", process, ["kill", "dlopen"]],
    ["crypto", crypto, ["randomBytes", "randomUUID", "randomInt", "randomFillSync", "getRandomValues", "webcrypto"]],
    ["Crypto", Crypto.prototype, ["getRandomValues", "randomUUID"]],
    ["SubtleCrypto", SubtleCrypto.prototype, ["generateKey"]],
    ["performance", Object.getPrototypeOf(performance) as object, ["now"]],
    ["dgram", dgram.Socket.prototype, ["send"]],
  ];
  for (const [name, owner, keys] of owners) for (const key of keys) seen[`${name}.${key}`] = shape(owner, key);
  seen["a CJS import is the ESM one"] =
    (createRequire(import.meta.url)("node:crypto") as typeof crypto).randomUUID === randomUUID;
  seen["what a promise shows"] = inspect(Promise.resolve(1), { showHidden: true });
  seen["what a promise has"] = Reflect.ownKeys(new Promise(() => undefined)).length;
  seen["what a socket shows"] = Reflect.ownKeys(new net.Socket()).length;
  return seen;
}

function dates(): Record<string, unknown> {
  class Later extends Date {}
  const now = new Date();
  const later = new Later();
  return {
    instanceof: [now instanceof Date, now instanceof NativeDate, later instanceof Later, later instanceof Date],
    isDate: types.isDate(now) && types.isDate(later),
    constructor: [now.constructor === Date, Date.prototype.constructor === Date, later.constructor === Later],
    near: Math.abs(now.getTime() - Date.now()) < 1000,
    called: typeof Date(),
    "called with arguments": Math.abs(NativeDate.parse((Date as (at: number) => string)(0)) - Date.now()) < 5000,
    "made of parts": [
      new Date(0),
      new Date(2020, 1, 2),
      new Date("2020-01-01"),
      new Date(now).getTime() === now.getTime(),
    ],
    invalid: String(new Date(Number.NaN)),
    "of undefined": String(new Date(undefined as unknown as number)),
    tag: Object.prototype.toString.call(now),
    inspected: inspect(new Date(0)),
    cloned: structuredClone(new Date(7)).getTime(),
    "from a file": fs.statSync(folder).mtime instanceof Date,
    length: [Date.length, Date.name, Date.UTC(2020)],
    performance: performance.now() > 0 && performance.now() < 100_000,
  };
}

async function errors(): Promise<Record<string, unknown>> {
  const detached = (Object.getPrototypeOf(performance) as { now(): number }).now;
  return {
    "fetch of nothing": await thrown(() => fetch("nowhere")),
    "a bad UUID option": await thrown(() => randomUUID({ disableEntropyCache: 1 } as never)),
    "too many bytes": await thrown(() => randomBytes(-1)),
    "random values for what is no array": await thrown(() => crypto.webcrypto.getRandomValues({} as never)),
    "random values detached": await thrown(() => Reflect.apply(Crypto.prototype.getRandomValues, {}, [])),
    "a clock detached": await thrown(() => Reflect.apply(detached, {}, [])),
    "a missing file": await thrown(() => fs.readFileSync(join(folder, "none"))),
    "a file in no folder": await thrown(() => fs.promises.writeFile(join(folder, "no", "file"), "x")),
    "a folder twice": await thrown(() => (fs.mkdirSync(folder), 1)),
    "a file by a bad name": await thrown(() => fs.openSync("a\0b", "w")),
    "a write of nothing": await thrown(() => new net.Socket().write(null as never)),
    "a signal to nobody": await thrown(() => process.kill(2 ** 30, "SIGTERM")),
    "an add-on that is none": ((await thrown(() => process.dlopen({ exports: {} }, "none.node"))) as string[])[0],
    "fetch as a constructor": await thrown(() => Reflect.construct(fetch, ["nowhere"])),
  };
}

async function working(): Promise<Record<string, unknown>> {
  const server = createServer((request, response) => request.pipe(response)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const file = join(folder, "file");
  const socket = dgram.createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  socket.send("datagram", socket.address().port, "127.0.0.1");
  const [message] = (await once(socket, "message")) as [Buffer];
  socket.close();
  const posted = await fetch(url, { method: "POST", body: "posted" });
  const [got] = (await once(get(url), "response")) as [NodeJS.ReadableStream];
  const raw = net.connect(port, "127.0.0.1");
  const flushed = raw.write("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
  const answer = await text(raw);
  fs.writeFileSync(file, "a");
  fs.appendFileSync(file, "b");
  await fs.promises.appendFile(file, "c");
  const content = fs.readFileSync(file, "utf8");
  fs.rmSync(file);
  server.close().closeAllConnections();
  return {
    "a datagram": message.toString(),
    fetch: [posted.status, await posted.text(), posted instanceof Response],
    "http.get": await text(got),
    "a socket": [flushed, answer.split("\r\n")[0], raw.bytesWritten],
    files: [content, fs.existsSync(file)],
    randomness: [
      randomUUID().length,
      randomBytes(4).length,
      Math.random() < 1,
      crypto.getRandomValues(new Uint8Array(3)).length,
    ],
  };
}

console.log(JSON.stringify(await inRegion({ kind: "function" }, probe)));
process.exit(0);
