import { createHmac, timingSafeEqual } from "node:crypto";
import { CSRF_HEADER } from "@gantry/sdk/contract";
import type { Request, Response } from "express";
import type { Accounts } from "../accounts/accounts.ts";
import type { Actor } from "../accounts/audit-log.ts";
import type { Origin } from "../accounts/session.ts";
import type { SignedIn } from "../accounts/sessions.ts";
import { AppError } from "../errors.ts";
import { newSecret } from "../ids.ts";
import { clientAddress } from "./client-address.ts";
import { readCookie, setCookie } from "./cookies.ts";
import { decideLocal } from "./local-access-policy.ts";
import { decideOrigin } from "./origin-policy.ts";
import { ownUrl } from "./own-url.ts";

/** Who a browser is, by its cookie. */
export type Visitor =
  | { kind: "signedIn"; signedIn: SignedIn }
  /** At the machine of a platform of `gantry dev`. */
  | { kind: "local" }
  | { kind: "stranger" };

/** What the routes for browsers share: cookies, and what keeps other sites out. */
export interface Browser {
  /** Errors: CSRF_REFUSED where the dashboard did not send this. */
  guard(req: Request): void;
  visitor(req: Request): Promise<Visitor>;
  /** Errors: NOT_SIGNED_IN. */
  signedIn(req: Request): Promise<SignedIn>;
  origin(req: Request): Origin;
  /** What the dashboard repeats in a header; makes the cookie that it belongs to where there is none. `cookie`: one that was just set. */
  csrfToken(req: Request, res: Response, cookie?: string): string;
  enter(res: Response, cookie: string): void;
  leave(res: Response): void;
  url(req: Request): string;
  isSecure: boolean;
}

interface BrowserDeps {
  accounts: Pick<Accounts, "sessions" | "isLocal">;
  secret: string | Buffer;
  publicUrl: string | undefined;
  proxyHops: number;
  sessionMaxMs: number;
}

const PATH = "/api/v1/auth";

export function createBrowser({ accounts, secret, publicUrl, proxyHops, sessionMaxMs }: BrowserDeps): Browser {
  const isSecure = publicUrl?.startsWith("https:") === true;
  // The prefix makes browsers refuse what a neighbouring subdomain, or a page without TLS, would put in its place.
  const name = isSecure ? "__Host-gantry_session" : "gantry_session";
  const visit = isSecure ? "__Host-gantry_visit" : "gantry_visit";
  const rules = { isSecure, path: isSecure ? "/" : PATH, sameSite: "strict" as const };

  const isOwn = (req: Request) =>
    decideOrigin(
      {
        method: req.method,
        host: req.headers.host,
        origin: req.headers.origin,
        fetchSite: one(req.headers["sec-fetch-site"]),
      },
      accounts.isLocal ? undefined : publicUrl,
    ).own;

  const isLocal = (req: Request) =>
    accounts.isLocal &&
    decideLocal({
      remoteAddress: req.socket.remoteAddress,
      host: req.headers.host,
      isForwarded: ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"].some(
        (header) => req.headers[header] !== undefined,
      ),
      isOwnOrigin: isOwn(req),
    }).local;

  const tokenOf = (cookie: string) => createHmac("sha256", secret).update(`csrf ${cookie}`).digest("base64url");

  async function visitor(req: Request): Promise<Visitor> {
    if (isLocal(req)) return { kind: "local" };
    const cookie = readCookie(req, name);
    const signedIn = cookie === undefined ? undefined : await accounts.sessions.byCookie(cookie);
    return signedIn === undefined ? { kind: "stranger" } : { kind: "signedIn", signedIn };
  }

  return {
    isSecure,
    visitor,
    url: (req) => ownUrl(req, publicUrl),
    origin: (req) => ({ address: clientAddress(req, proxyHops), userAgent: req.headers["user-agent"] }),

    guard(req) {
      if (req.method === "GET") return;
      if (!isOwn(req)) throw new AppError("CSRF_REFUSED", "The request does not come from the dashboard.");
      const said = one(req.headers[CSRF_HEADER]) ?? "";
      const wanted = [readCookie(req, name), readCookie(req, visit)].flatMap((cookie) =>
        cookie === undefined ? [] : [tokenOf(cookie)],
      );
      if (wanted.some((token) => isSame(said, token))) return;
      throw new AppError("CSRF_REFUSED", `The header ${CSRF_HEADER} is not the one of this session.`);
    },

    async signedIn(req) {
      const found = await visitor(req);
      if (found.kind === "signedIn") return found.signedIn;
      throw new AppError("NOT_SIGNED_IN", "Nobody is signed in here, or the session has ended.");
    },

    csrfToken(req, res, cookie = readCookie(req, name)) {
      if (cookie !== undefined) return tokenOf(cookie);
      const known = readCookie(req, visit);
      if (known !== undefined) return tokenOf(known);
      const made = newSecret(24);
      setCookie(res, visit, made, rules);
      return tokenOf(made);
    },

    enter(res, cookie) {
      setCookie(res, name, cookie, { ...rules, maxAgeMs: sessionMaxMs });
    },

    leave(res) {
      setCookie(res, name, "", { ...rules, maxAgeMs: 0 });
    },
  };
}

/** Whom the audit log names. */
export function actorOf(visitor: Visitor): Actor {
  if (visitor.kind === "local") return { kind: "local", id: undefined, name: undefined };
  if (visitor.kind === "stranger") return { kind: "anonymous", id: undefined, name: undefined };
  const { id, email } = visitor.signedIn.user;
  return { kind: "user", id, name: email };
}

const one = (header: string | string[] | undefined) => (typeof header === "string" ? header : undefined);

function isSame(said: string, wanted: string): boolean {
  return said.length === wanted.length && timingSafeEqual(Buffer.from(said), Buffer.from(wanted));
}
