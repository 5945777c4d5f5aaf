import type { IncomingMessage } from "node:http";

/**
 * Whence a request came. Each proxy appends the address it was reached from to X-Forwarded-For, so that with `hops` proxies
 * in front the one that counts stands so far from the end: what a client wrote itself stands before it.
 */
export function clientAddress(req: IncomingMessage, hops: number): string | undefined {
  const direct = req.socket.remoteAddress;
  if (hops === 0) return direct;
  const header = req.headers["x-forwarded-for"];
  const said = (Array.isArray(header) ? header.join(",") : (header ?? "")).split(",").map((part) => part.trim());
  const address = said.at(-hops) ?? "";
  return /^[0-9a-f.:]{2,45}$/i.test(address) ? address : direct;
}
