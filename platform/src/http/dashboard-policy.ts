interface PageRequest {
  /** In base64, new with every answer. */
  nonce: string;
  /** The request's `Host`, unchecked. */
  host: string | undefined;
  publicUrl: string | undefined;
}

/** What a `Host` looks like; anything else could say more in the header than it should. */
const HOST = /^[A-Za-z0-9.-]+(:\d{1,5})?$|^\[[0-9A-Fa-f:]+\](:\d{1,5})?$/;

/**
 * The headers of the dashboard's page. Its scripts are files of its own; styles too, but for what CodeMirror adds, which
 * carries the nonce. It talks to its own platform alone, and nobody may show it in a frame.
 */
export function dashboardPolicy({ nonce, host, publicUrl }: PageRequest): Record<string, string> {
  const sockets = host !== undefined && HOST.test(host) ? [`ws://${host}`, `wss://${host}`] : [];
  const elsewhere = publicUrl === undefined ? [] : [new URL(publicUrl).origin];
  const policy = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'", `'nonce-${nonce}'`],
    "img-src": ["'self'", "data:"],
    "font-src": ["'self'"],
    "connect-src": ["'self'", ...sockets, ...elsewhere],
    "manifest-src": ["'self'"],
    "form-action": ["'self'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
  };
  return {
    "content-security-policy": Object.entries(policy)
      .map(([name, sources]) => `${name} ${sources.join(" ")}`)
      .join("; "),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
  };
}
