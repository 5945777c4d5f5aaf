import type { IncomingMessage } from "node:http";
import type { Response } from "express";

/** The cookie's value, or undefined where the request has none of this name. */
export function readCookie(req: IncomingMessage, name: string): string | undefined {
  for (const part of (req.headers.cookie ?? "").split(";")) {
    const at = part.indexOf("=");
    if (at !== -1 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return undefined;
}

export interface CookieRules {
  isSecure: boolean;
  path: string;
  sameSite: "strict" | "lax";
  /** Undefined: until the browser is closed. */
  maxAgeMs?: number;
}

/** No script sees it. An age of 0 removes it. */
export function setCookie(res: Response, name: string, value: string, rules: CookieRules): void {
  const { isSecure, path, sameSite, maxAgeMs } = rules;
  res.cookie(name, value, {
    httpOnly: true,
    secure: isSecure,
    sameSite,
    path,
    encode: String,
    ...(maxAgeMs === undefined ? {} : { maxAge: maxAgeMs }),
  });
}
