/** What a registry asks for in `WWW-Authenticate`. */
export type AuthChallenge =
  | { scheme: "basic" }
  | { scheme: "bearer"; realm: string; service: string | undefined; scope: string | undefined };

/** The challenge that we can answer; Bearer before Basic. Undefined where there is none. */
export function parseAuthChallenge(header: string | undefined): AuthChallenge | undefined {
  if (header === undefined) return undefined;
  const bearer = /(?:^|,\s*)bearer\s+(.+)$/i.exec(header)?.[1];
  const fields = new Map(
    [...(bearer ?? "").matchAll(/(\w+)=(?:"([^"]*)"|([^\s,"]+))/g)].map(([, name = "", quoted, plain]) => [
      name.toLowerCase(),
      quoted ?? plain ?? "",
    ]),
  );
  const realm = fields.get("realm");
  if (realm !== undefined)
    return { scheme: "bearer", realm, service: fields.get("service"), scope: fields.get("scope") };
  return /(?:^|,\s*)basic\b/i.test(header) ? { scheme: "basic" } : undefined;
}
