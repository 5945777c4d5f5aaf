import { createHash } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { LastFrame, textFrame } from "./text-frame.ts";

/** A server that answers a handshake by hand, and then sends what it is given. */
async function served(bytes: Buffer): Promise<string> {
  const server = createServer((socket: Socket) => {
    socket.once("data", (request) => {
      const key = /sec-websocket-key: (\S+)/i.exec(String(request))?.[1] ?? "";
      const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
      const head = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
      socket.write(`${[...head, `Sec-WebSocket-Accept: ${accept}`].join("\r\n")}\r\n\r\n`);
      socket.write(bytes);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(() => {
    client.terminate();
    server.close();
  });
  const [data] = (await once(client, "message")) as [Buffer];
  return String(data);
}

test.each([0, 1, 125, 126, 65_535, 65_536, 300_000])("a text of %i bytes arrives as it is", async (length) => {
  const text = "x".repeat(length);
  expect(await served(textFrame(text))).toBe(text);
});

test("what is longer in bytes than in characters arrives as it is", async () => {
  const text = "Zürich 東京 🛫".repeat(20);
  expect(await served(textFrame(text))).toBe(text);
});

test("the same text is framed once, and another anew", () => {
  const frames = new LastFrame();
  const first = frames.of("a");
  expect(frames.of(["a"].join(""))).toBe(first);
  expect(frames.of("b")).not.toBe(first);
  expect(String(frames.of("a").subarray(2))).toBe("a");
});
