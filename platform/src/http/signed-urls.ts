import type { IncomingMessage } from "node:http";
import { createSigner, createVerifier } from "fast-jwt";
import type { Clock } from "../clock.ts";
import { AppError } from "../errors.ts";
import { ownUrl } from "./own-url.ts";

const AUDIENCE = "gantry:packet";
const TTL_SECONDS = 900;

/** What a signed URL lets its holder do: put or get one packet, or get one field of one run. */
export type PacketGrant =
  | { do: "put" | "get"; environmentId: number; name: string }
  | { do: "run"; environmentId: number; runId: string; field: "payload" | "output" };

export interface SignedUrls {
  /** An absolute URL that needs no key, good for 15 minutes. */
  create(req: IncomingMessage, grant: PacketGrant): string;
  /** Errors: UNAUTHORIZED, TOKEN_EXPIRED. */
  verify(token: string): PacketGrant;
}

export const PACKET_PATH = "/api/v1/packet-content";

export function createSignedUrls(deps: {
  secrets: readonly [string | Buffer, ...(string | Buffer)[]];
  clock: Clock;
  publicUrl: string | undefined;
}): SignedUrls {
  const sign = createSigner({ key: deps.secrets[0], algorithm: "HS256", aud: AUDIENCE, noTimestamp: true });
  return {
    create(req, grant) {
      const token = sign({ ...grant, exp: Math.floor(deps.clock.now() / 1000) + TTL_SECONDS });
      return `${ownUrl(req, deps.publicUrl)}${PACKET_PATH}?token=${token}`;
    },
    verify(token) {
      for (const key of deps.secrets) {
        try {
          const clockTimestamp = deps.clock.now();
          return createVerifier({ key, algorithms: ["HS256"], allowedAud: AUDIENCE, clockTimestamp })(
            token,
          ) as PacketGrant;
        } catch (error) {
          if ((error as { code?: unknown }).code === "FAST_JWT_EXPIRED")
            throw new AppError("TOKEN_EXPIRED", "This URL was good for 15 minutes and has expired.");
        }
      }
      throw new AppError("UNAUTHORIZED", "The URL's signature is not valid.");
    },
  };
}
