import type { IncomingMessage } from "node:http";

/** Where the platform is reached, without a slash at the end: as it is configured, else as the client itself reached it. */
export function ownUrl(req: IncomingMessage, publicUrl: string | undefined): string {
  return publicUrl?.replace(/\/$/, "") ?? hostOf(req);
}

/** The host that the client itself used: whoever lies about it, only misleads themselves. */
function hostOf(req: IncomingMessage): string {
  const forwarded = req.headers["x-forwarded-proto"];
  const isSecure =
    (req.socket as { encrypted?: boolean }).encrypted === true ||
    (typeof forwarded === "string" && forwarded.startsWith("https"));
  return `${isSecure ? "https" : "http"}://${req.headers.host ?? "localhost"}`;
}
