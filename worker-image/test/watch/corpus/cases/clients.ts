/** Clients from npm, against local servers. */

import { once } from "node:events";
import * as grpc from "@grpc/grpc-js";
import axios from "axios";
import got from "got";
import { Redis } from "ioredis";
import fetchOfNode from "node-fetch";
import { createTransport } from "nodemailer";
import { Agent, Pool, request, fetch as undiciFetch } from "undici";
import { WebSocket } from "ws";
import { type Case, type Servers, type Stage, scene } from "../stage.ts";

const MAIL = { from: "a@example.com", to: "b@example.com", subject: "Welcome", text: "Hello" };

function mailer({ servers }: Stage, pool = false) {
  return createTransport({ host: "127.0.0.1", port: servers.smtpPort, secure: false, ignoreTLS: true, pool } as object);
}

function say(client: grpc.Client, words: string): Promise<string> {
  const bytes = (text: string) => Buffer.from(text);
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest("/echo.Echo/Say", bytes, String, words, (error, answer) =>
      error ? reject(error) : resolve(answer as string),
    );
  });
}

const rpc = ({ grpcPort }: Servers) => new grpc.Client(`127.0.0.1:${grpcPort}`, grpc.credentials.createInsecure());

async function chat({ servers }: Stage): Promise<void> {
  const socket = new WebSocket(servers.ws);
  await once(socket, "open");
  socket.send("x");
  await once(socket, "message");
  socket.close();
  await once(socket, "close");
}

async function connected(servers: Servers): Promise<Redis> {
  const redis = new Redis(servers.redis);
  await redis.ping();
  return redis;
}

export const cases: Record<string, Case> = {
  "undici.request": {
    want: "bytes",
    call: "request",
    run: async ({ servers }) => (await request(servers.http)).body.text(),
  },
  "undici.request in steps": {
    want: "safe",
    run: async ({ servers, step }) => {
      for (const name of ["one", "two"]) await step(name, async () => (await request(servers.http)).body.text());
    },
  },
  "undici's fetch": { want: "bytes", run: async ({ servers }) => (await undiciFetch(servers.http)).text() },
  "undici, queued behind a step's on one connection": scene({
    want: "bytes",
    load: ({ servers }) => new Pool(servers.http, { connections: 1 }),
    run: async ({ step }, pool) => {
      const get = async () => (await pool.request({ path: "/", method: "GET" })).body.text();
      await Promise.all([step("one", get), get()]);
    },
  }),
  "undici with an agent of module code, in parallel steps": scene({
    want: "safe",
    load: () => new Agent({ connections: 1 }),
    run: ({ servers, step }, dispatcher) => {
      const get = async () => (await request(servers.http, { dispatcher })).body.text();
      return Promise.all([step("one", get), step("two", get)]);
    },
  }),
  axios: { want: "bytes", run: ({ servers }) => axios.post(servers.http, { a: 1 }) },
  "axios in steps": {
    want: "safe",
    run: async ({ servers, step }) => {
      for (const name of ["one", "two"]) await step(name, async () => (await axios.post(servers.http, { a: 1 })).data);
    },
  },
  got: { want: "bytes", run: ({ servers }) => got.post(servers.http, { json: {} }).text() },
  "got in steps": {
    want: "safe",
    run: async ({ servers, step }) => {
      for (const name of ["one", "two"]) await step(name, () => got.post(servers.http, { json: {} }).text());
    },
  },
  "node-fetch": { want: "bytes", run: async ({ servers }) => (await fetchOfNode(servers.http)).text() },
  "node-fetch in a step": {
    want: "safe",
    run: ({ servers, step }) => step("one", async () => (await fetchOfNode(servers.http)).text()),
  },
  nodemailer: { want: "bytes", run: (stage) => mailer(stage).sendMail(MAIL) },
  "nodemailer in a step": {
    want: "safe",
    run: (stage) => stage.step("one", async () => (await mailer(stage).sendMail(MAIL)).accepted.length),
  },
  "nodemailer, pooled, queued behind a step's": scene({
    want: "unsafe",
    load: (stage) => mailer(stage, true),
    run: async ({ step }, mail) => await Promise.all([step("one", () => mail.sendMail(MAIL)), mail.sendMail(MAIL)]),
  }),
  ws: { want: "bytes", run: (stage) => chat(stage) },
  "ws in a step": { want: "safe", run: (stage) => stage.step("one", () => chat(stage)) },
  gRPC: scene({
    want: "bytes",
    load: ({ servers }) => rpc(servers),
    run: (_, client) => say(client, "x"),
  }),
  "gRPC in a step": {
    want: "safe",
    run: ({ step, servers }) =>
      step("one", async () => {
        const client = rpc(servers);
        await say(client, "x");
        client.close();
      }),
  },
  "gRPC in steps that share a client": scene({
    want: "safe",
    load: ({ servers }) => rpc(servers),
    run: async ({ step }, client) => {
      await step("one", () => say(client, "x"));
      await step("two", () => say(client, "x"));
    },
  }),
  "gRPC in steps, on a client that the function made": {
    want: "safe",
    but: { held: "the client draws randomness when it is made" },
    run: async ({ step, servers }) => {
      const client = rpc(servers);
      await step("one", () => say(client, "x"));
      await step("two", () => say(client, "x"));
    },
  },
  "gRPC on a client that a step is connecting": {
    want: "unsafe",
    run: ({ step, servers }) => {
      const client = rpc(servers);
      return Promise.all([step("one", () => say(client, "x")), say(client, "y")]);
    },
  },
  "gRPC with a callback, on a client that a step is connecting": {
    want: "unsafe",
    run: async ({ step, servers }) => {
      const client = rpc(servers);
      const bytes = (text: string) => Buffer.from(text);
      const first = step("one", () => say(client, "x"));
      client.makeUnaryRequest("/echo.Echo/Say", bytes, String, "y", () => undefined);
      await first;
    },
  },
  ioredis: scene({
    want: "bytes",
    load: ({ servers }) => connected(servers),
    run: (_, redis) => redis.set("a", "1"),
  }),
  "ioredis in steps, connected by module code": scene({
    want: "safe",
    load: ({ servers }) => connected(servers),
    run: async ({ step }, redis) => {
      await step("one", () => redis.set("a", "1"));
      await Promise.all([step("two", () => redis.get("a")), step("three", () => redis.incr("b"))]);
    },
  }),
  "ioredis in steps, while module code is connecting": scene({
    want: "safe",
    but: { held: "the connection's greeting is sent in the background while the function runs" },
    load: ({ servers }) => new Redis(servers.redis),
    run: ({ step }, redis) => step("one", () => redis.set("a", "1")),
  }),
  "ioredis, connected by repeatable code": {
    want: "safe",
    run: async ({ step, repeatable, servers }) => {
      const redis = await repeatable(() => connected(servers));
      await step("one", () => redis.pipeline().set("a", "1").get("a").exec());
    },
  },
  "ioredis, queued behind a step's while it connects": {
    want: "unsafe",
    run: async ({ step, repeatable, servers }) => {
      const redis = repeatable(() => new Redis(servers.redis));
      await Promise.all([step("one", () => redis.set("a", "1")), redis.set("b", "2")]);
    },
  },
  "ioredis, a pipeline outside of steps": scene({
    want: "bytes",
    load: ({ servers }) => connected(servers),
    run: (_, redis) => redis.multi().set("a", "1").exec(),
  }),
};
