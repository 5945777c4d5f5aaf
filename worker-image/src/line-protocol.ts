import type { Socket } from "node:net";

/** Calls back with each line's JSON value. A line that is no JSON ends the connection: the other side is not ours. */
export function readMessages<T>(socket: Socket, onMessage: (message: T) => void): void {
  // Parts of a line that is not complete yet: a message of 10 MB comes in many chunks, each looked at once.
  let parts: string[] = [];
  socket.setEncoding("utf8");
  socket.on("data", (chunk: unknown) => {
    const text = chunk as string;
    let from = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", from)) {
      parts.push(text.slice(from, end));
      from = end + 1;
      const line = parts.length === 1 ? (parts[0] as string) : parts.join("");
      parts = [];
      if (!deliver(socket, line, onMessage)) return;
    }
    if (from < text.length) parts.push(from === 0 ? text : text.slice(from));
  });
}

function deliver<T>(socket: Socket, line: string, onMessage: (message: T) => void): boolean {
  let message: T;
  try {
    message = JSON.parse(line) as T;
  } catch {
    socket.destroy();
    return false;
  }
  onMessage(message);
  return true;
}

export function encodeMessage(message: object): string {
  return `${JSON.stringify(message)}\n`;
}
