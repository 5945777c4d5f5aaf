/** What is known of a request that might come from the very machine a platform of `gantry dev` runs on. */
export interface LocalRequest {
  remoteAddress: string | undefined;
  host: string | undefined;
  /** Whether any header says that a proxy passed it on. */
  isForwarded: boolean;
  /** By origin-policy.ts. */
  isOwnOrigin: boolean;
}

/**
 * FORWARDED: a proxy on this machine would make all the world local. FOREIGN_HOST: a name of somebody else's that leads here
 * (DNS rebinding). FOREIGN_ORIGIN: a page of another site. NOT_LOOPBACK: it came over the network.
 */
export type LocalDecision =
  | { local: true }
  | { local: false; reason: "NOT_LOOPBACK" | "FORWARDED" | "FOREIGN_HOST" | "FOREIGN_ORIGIN" };

/** Who sits at this machine is admin of its own platform, without signing in. */
export function decideLocal(request: LocalRequest): LocalDecision {
  if (!isLoopbackAddress(request.remoteAddress)) return { local: false, reason: "NOT_LOOPBACK" };
  if (request.isForwarded) return { local: false, reason: "FORWARDED" };
  if (!isLoopbackHost(request.host)) return { local: false, reason: "FOREIGN_HOST" };
  if (!request.isOwnOrigin) return { local: false, reason: "FOREIGN_ORIGIN" };
  return { local: true };
}

function isLoopbackAddress(address: string | undefined): boolean {
  return address !== undefined && (/^(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/i.test(address) || address === "::1");
}

function isLoopbackHost(host: string | undefined): boolean {
  return host !== undefined && /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(:\d{1,5})?$/i.test(host);
}
