import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { ownUrl } from "./own-url.ts";

export const CALLBACK_PATH = "/api/v1/waitpoints/tokens/:waitpointId/callback/:hash";

export interface CallbackUrls {
  /** An absolute URL that completes this token without a key. Good as long as the token waits. */
  create(req: IncomingMessage, environmentId: number, waitpointId: string): string;
  /** The environment of a token whose URL ends in this hash; undefined where the platform made no such URL. */
  verify(waitpointId: string, hash: string): number | undefined;
}

/**
 * The hash is `<environment>-<HMAC-SHA256 of environment and token>`, with a key derived from the platform's secret for this
 * alone. It is checked before the database is asked, so a guess costs nothing; no list of URLs is kept anywhere.
 */
export function createCallbackUrls(deps: {
  secrets: readonly [string | Buffer, ...(string | Buffer)[]];
  publicUrl: string | undefined;
}): CallbackUrls {
  const [current, ...previous] = deps.secrets.map(deriveKey) as [Buffer, ...Buffer[]];
  return {
    create(req, environmentId, waitpointId) {
      const hash = `${environmentId}-${mac(current, environmentId, waitpointId).toString("base64url")}`;
      const path = CALLBACK_PATH.replace(":waitpointId", waitpointId).replace(":hash", hash);
      return `${ownUrl(req, deps.publicUrl)}${path}`;
    },
    verify(waitpointId, hash) {
      const [, digits, said] = /^(\d{1,9})-([\w-]{43})$/.exec(hash) ?? [];
      if (digits === undefined || said === undefined) return undefined;
      const environmentId = Number(digits);
      const given = Buffer.from(said, "base64url");
      // Every key is tried, so that the time says nothing of which one it was.
      const matches = [current, ...previous].map((key) => timingSafeEqual(mac(key, environmentId, waitpointId), given));
      return matches.includes(true) ? environmentId : undefined;
    },
  };
}

function deriveKey(secret: string | Buffer): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, "", "waitpoint-callback", 32));
}

function mac(key: Buffer, environmentId: number, waitpointId: string): Buffer {
  return createHmac("sha256", key).update(`${environmentId}\n${waitpointId}`).digest();
}
