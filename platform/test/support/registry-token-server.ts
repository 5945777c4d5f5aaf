import { execFileSync } from "node:child_process";
import { createPrivateKey, randomUUID, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll } from "vitest";

const SERVICE = "test-registry";
const ISSUER = "test-issuer";

const servers: Server[] = [];
afterAll(() => servers.forEach((server) => void server.close()));

/**
 * A token server as registries use them: for a user name and a password it signs what was asked for, but nothing in
 * repositories that begin with `forbidden`. Returns docker-registry's settings for it.
 */
export async function startTokenServer(folder: string, user: { username: string; password: string }) {
  const key = join(folder, "token.key");
  const certificate = join(folder, "token.crt");
  execFileSync(
    "openssl",
    [
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-subj",
      "/CN=test",
      "-days",
      "2",
      "-keyout",
      key,
      "-out",
      certificate,
    ],
    { stdio: "ignore" },
  );
  const privateKey = createPrivateKey(readFileSync(key));
  const x5c = [readFileSync(certificate, "utf8").replaceAll(/-----[^-]+-----|\s/g, "")];
  const wanted = `Basic ${Buffer.from(`${user.username}:${user.password}`).toString("base64")}`;

  const server = createServer((req, res) => {
    const { searchParams } = new URL(req.url ?? "/", "http://localhost");
    if (req.headers.authorization !== wanted) return void res.writeHead(401).end();
    const access = searchParams.getAll("scope").flatMap((scope) => {
      const [type, name, actions = ""] = scope.split(":");
      return name?.startsWith("forbidden") ? [] : [{ type, name, actions: actions.split(",") }];
    });
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: ISSUER,
      sub: user.username,
      aud: SERVICE,
      exp: now + 300,
      nbf: now - 5,
      iat: now,
      jti: randomUUID(),
      access,
    };
    const head = `${part({ typ: "JWT", alg: "RS256", x5c })}.${part(claims)}`;
    const token = `${head}.${sign("sha256", Buffer.from(head), privateKey).toString("base64url")}`;
    res.setHeader("content-type", "application/json").end(JSON.stringify({ token, expires_in: 300 }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  servers.push(server);
  const realm = `http://localhost:${(server.address() as AddressInfo).port}/token`;
  return { realm, service: SERVICE, issuer: ISSUER, rootcertbundle: certificate };
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
