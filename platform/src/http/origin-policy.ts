/** What a browser says of a request, as headers. */
export interface RequestOrigin {
  method: string;
  /** As the browser names it: `localhost:4400`. */
  host: string | undefined;
  origin: string | undefined;
  fetchSite: string | undefined;
}

/** FOREIGN_ORIGIN: another site's page sent it. NO_ORIGIN: no browser of today, or something that hides whence it comes. */
export type OriginDecision = { own: true } | { own: false; reason: "FOREIGN_ORIGIN" | "NO_ORIGIN" };

/**
 * Whether the dashboard itself sent this request. Browsers put Origin into every request that may change something, and no
 * page can forge it. `publicUrl` is the dashboard's address; without it, whatever host the request was sent to.
 */
export function decideOrigin(request: RequestOrigin, publicUrl: string | undefined): OriginDecision {
  const { method, host, origin, fetchSite } = request;
  if (fetchSite === "cross-site") return foreign();
  if (origin !== undefined) {
    const own = publicUrl === undefined ? host?.toLowerCase() : hostOf(publicUrl);
    return hostOf(origin) !== undefined && hostOf(origin) === own ? { own: true } : foreign();
  }
  if (fetchSite !== undefined) return fetchSite === "same-origin" || fetchSite === "none" ? { own: true } : foreign();
  return method === "GET" || method === "HEAD" ? { own: true } : { own: false, reason: "NO_ORIGIN" };
}

function foreign(): OriginDecision {
  return { own: false, reason: "FOREIGN_ORIGIN" };
}

/** Host and port in lower case, the port left out where it is the scheme's own; undefined for `null` and what is no origin. */
function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host || undefined : undefined;
}
