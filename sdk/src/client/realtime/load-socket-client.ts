import type { io } from "socket.io-client";

type SocketClient = typeof io;

/**
 * Socket.IO's client, when somebody first needs it: the main entry stays small.
 *
 * The build that uses the runtime's own WebSocket, everywhere: the package's entry for Node brings a WebSocket library that needs
 * Node's modules, which a bundle for an edge runtime cannot have, and which each bundle of tasks would carry.
 */
export async function loadSocketClient(): Promise<SocketClient> {
  // @ts-expect-error It has no declarations of its own.
  const loaded: { default?: SocketClient; io?: SocketClient } = await import("socket.io-client/dist/socket.io.js");
  const client = loaded.default ?? loaded.io;
  if (client === undefined) throw new Error("socket.io-client is not what it was");
  return client;
}
