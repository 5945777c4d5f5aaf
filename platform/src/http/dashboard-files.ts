import { randomBytes } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import type { Express, NextFunction, Request, Response } from "express";
import { dashboardPolicy } from "./dashboard-policy.ts";

/** Stands in index.html where the answer's own nonce goes. */
const NONCE = /__CSP_NONCE__/g;
/** Paths that are the API's or the operator's, whatever a browser asks for. */
const NOT_PAGES = /^\/(api|realtime|healthz|readyz|metrics|\.well-known)(\/|$)/;
/** Names of built files hold a hash of their content. */
const BUILT = /^\/assets\/[\w.-]+$/;
const PUBLIC = /^\/[\w-]+\.(svg|png|ico|txt|webmanifest)$/;

const YEAR = "public, max-age=31536000, immutable";
const HOUR = "public, max-age=3600";
const TYPES: Record<string, string> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".txt": "text/plain; charset=utf-8",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
};
/** As the build leaves them beside each file, best first. */
const ENCODINGS = [
  { name: "br", ending: ".br" },
  { name: "gzip", ending: ".gz" },
] as const;

const NOT_BUILT = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Gantry</title>
<h1>The dashboard is not built</h1>
<p>This platform runs from a checkout whose dashboard was not built: run <code>make build</code> and load this page again.
The API and the <code>gantry</code> command work without it.</p></html>`;

export interface DashboardOptions {
  /** Where the build put it. */
  directory: string;
  /** Where clients reach the platform, if that is not the address in the browser: signed URLs of payloads lead there. */
  publicUrl?: string | undefined;
}

/** The dashboard's folder: beside the bundle in a package, in `dist` where the sources run. */
export function dashboardDirectory(): string {
  const from = import.meta.dirname;
  const places = [join(from, "dashboard"), join(from, "..", "dashboard"), join(from, "..", "..", "dist", "dashboard")];
  return places.find((place) => existsSync(join(place, "index.html"))) ?? (places[2] as string);
}

/**
 * Serves the dashboard: built files for ever, and index.html for every address that a browser opens and that is not the
 * API's, since pages have addresses of their own. Nothing of it needs a credential: it is the same for everybody.
 */
export function serveDashboard(app: Express, options: DashboardOptions): void {
  app.use(async (req: Request, res: Response, next: NextFunction) => {
    if (req.method !== "GET" && req.method !== "HEAD") return next();
    const { path } = req;
    if (BUILT.test(path)) return sendFile(req, res, next, options, path, YEAR);
    if (PUBLIC.test(path)) return sendFile(req, res, next, options, path, HOUR);
    if (NOT_PAGES.test(path) || !isPage(req)) return next();
    res.locals.route = "dashboard";
    return sendPage(req, res, options);
  });
}

/** `/` for everyone, other addresses for who reads HTML: a mistyped path of the API stays a 404 in JSON. */
function isPage(req: Request): boolean {
  return req.path === "/" || /\btext\/html\b/.test(req.headers.accept ?? "");
}

async function sendPage(req: Request, res: Response, { directory, publicUrl }: DashboardOptions): Promise<void> {
  const nonce = randomBytes(16).toString("base64");
  const html = await readFile(join(directory, "index.html"), "utf8").catch(() => undefined);
  for (const [name, value] of Object.entries(dashboardPolicy({ nonce, host: req.headers.host, publicUrl })))
    res.setHeader(name, value);
  res.setHeader("cache-control", "no-cache");
  res.setHeader("content-type", "text/html; charset=utf-8");
  res.statusCode = html === undefined ? 503 : 200;
  const body = Buffer.from(html?.replaceAll(NONCE, nonce) ?? NOT_BUILT);
  res.setHeader("content-length", body.length);
  res.end(req.method === "HEAD" ? undefined : body);
}

async function sendFile(
  req: Request,
  res: Response,
  next: NextFunction,
  { directory }: DashboardOptions,
  path: string,
  cacheControl: string,
): Promise<void> {
  const type = TYPES[extname(path)];
  const file = type === undefined ? undefined : await chooseFile(join(directory, path), req.headers["accept-encoding"]);
  if (type === undefined || file === undefined) return next();
  res.locals.route = "dashboard";
  res.setHeader("content-type", type);
  res.setHeader("content-length", file.bytes);
  res.setHeader("cache-control", cacheControl);
  res.setHeader("x-content-type-options", "nosniff");
  res.setHeader("vary", "accept-encoding");
  if (file.encoding !== undefined) res.setHeader("content-encoding", file.encoding);
  if (req.method === "HEAD") return void res.end();
  createReadStream(file.path)
    .on("error", () => res.destroy())
    .pipe(res);
}

async function chooseFile(path: string, accepted: string | undefined) {
  const names = (accepted ?? "").split(",").map((each) => each.split(";")[0]?.trim());
  const forms = ENCODINGS.filter(({ name }) => names.includes(name)).map(({ name, ending }) => ({
    path: path + ending,
    encoding: name as string | undefined,
  }));
  for (const form of [...forms, { path, encoding: undefined }]) {
    const found = await stat(form.path).catch(() => undefined);
    if (found?.isFile()) return { ...form, bytes: found.size };
  }
  return undefined;
}
