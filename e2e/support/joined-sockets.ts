import type { Socket } from "node:net";

/** Joins two connections: what one says the other hears, and the end of one is the other's. Both are in `open` while they are. */
export function joinSockets(from: Socket, to: Socket, open: Set<Socket>): void {
  for (const [socket, other] of [
    [from, to],
    [to, from],
  ] as const) {
    open.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      open.delete(socket);
      other.destroy();
    });
    socket.pipe(other);
  }
}
