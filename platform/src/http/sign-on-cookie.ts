import type { Request, Response } from "express";
import { createSigner, createVerifier } from "fast-jwt";
import type { SignOnTransaction } from "../accounts/identity-provider.ts";
import type { Clock } from "../clock.ts";
import { readCookie, setCookie } from "./cookies.ts";

const AUDIENCE = "gantry:sign-on";
/** How long somebody may take at the provider; milliseconds. */
const TRANSACTION_MS = 10 * 60_000;

export interface KeptSignOn extends SignOnTransaction {
  /** Path of the dashboard that was asked for. */
  returnTo: string;
}

/** What waits in the browser while it is at the identity provider. */
export interface SignOnCookie {
  keep(res: Response, transaction: KeptSignOn): void;
  /** Once: it is gone then. Undefined where it was never made, was tampered with, or is too old. */
  take(req: Request, res: Response): KeptSignOn | undefined;
}

/** Lax, unlike the session's: the way back begins at another site. */
export function createSignOnCookie(deps: {
  secrets: readonly [string | Buffer, ...(string | Buffer)[]];
  clock: Clock;
  isSecure: boolean;
}): SignOnCookie {
  const { secrets, clock, isSecure } = deps;
  const name = isSecure ? "__Host-gantry_sign_on" : "gantry_sign_on";
  const rules = { isSecure, path: isSecure ? "/" : "/api/v1/auth", sameSite: "lax" as const };
  const sign = createSigner({ key: secrets[0], algorithm: "HS256", aud: AUDIENCE, noTimestamp: true });
  return {
    keep(res, transaction) {
      const exp = Math.floor((clock.now() + TRANSACTION_MS) / 1000);
      setCookie(res, name, sign({ ...transaction, exp }), { ...rules, maxAgeMs: TRANSACTION_MS });
    },
    take(req, res) {
      const cookie = readCookie(req, name);
      if (cookie === undefined) return undefined;
      setCookie(res, name, "", { ...rules, maxAgeMs: 0 });
      for (const key of secrets) {
        try {
          const options = { key, algorithms: ["HS256" as const], allowedAud: AUDIENCE, clockTimestamp: clock.now() };
          return createVerifier(options)(cookie) as KeptSignOn;
        } catch {}
      }
      return undefined;
    },
  };
}
