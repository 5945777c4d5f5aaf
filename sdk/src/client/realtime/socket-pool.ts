import { type AccessToken, TokenSource } from "./access-token.ts";
import { LiveSocket } from "./live-socket.ts";

export interface LiveConnection {
  socket: LiveSocket;
  tokens: TokenSource;
  /** Calling it twice is harmless. */
  release(): void;
}

interface Shared {
  socket: LiveSocket;
  tokens: TokenSource;
  users: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** By address (and project and environment), then by token. */
const SOCKETS = new Map<string, Map<AccessToken, Shared>>();

/** Components come and go: a browser's socket is kept for a moment. A program that is done should end. */
const LINGER_MS = "document" in globalThis ? 1000 : 0;

/** The socket for this address and token: one, whoever asks. A token function is the same if it is the same function. */
export function acquireSocket(config: {
  baseUrl: string;
  accessToken: AccessToken;
  project?: string | undefined;
  environment?: string | undefined;
  isRestOnly?: boolean | undefined;
}): LiveConnection {
  const { baseUrl, accessToken, project, environment, isRestOnly } = config;
  const address = JSON.stringify([baseUrl, project, environment, isRestOnly]);
  const byToken = SOCKETS.get(address) ?? new Map<AccessToken, Shared>();
  SOCKETS.set(address, byToken);
  let shared = byToken.get(accessToken);
  // One that was refused stays so; who comes later may have better luck.
  if (shared === undefined || shared.socket.status.state === "refused") {
    const tokens = new TokenSource(accessToken);
    shared = { socket: new LiveSocket({ ...config, tokens }), tokens, users: 0, timer: undefined };
    byToken.set(accessToken, shared);
  }
  const taken = shared;
  taken.users++;
  clearTimeout(taken.timer);
  return {
    socket: taken.socket,
    tokens: taken.tokens,
    release: once(() => {
      if (--taken.users > 0) return;
      taken.timer = setTimeout(() => {
        taken.socket.close();
        if (byToken.get(accessToken) === taken) byToken.delete(accessToken);
        if (byToken.size === 0 && SOCKETS.get(address) === byToken) SOCKETS.delete(address);
      }, LINGER_MS);
    }),
  };
}

function once(action: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    action();
  };
}
