import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { serveHttp } from "../../test/support/served-http.ts";

const SCRIPT = "console.log('a script');".repeat(50);
const directory = await mkdtemp(join(tmpdir(), "gantry-dashboard-"));
await mkdir(join(directory, "assets"));
const files = {
  "index.html": '<meta property="csp-nonce" nonce="__CSP_NONCE__"><div id="root"></div>',
  "assets/main-a1b2.js": SCRIPT,
  "assets/main-a1b2.js.br": brotliCompressSync(SCRIPT),
  "assets/main-a1b2.js.gz": gzipSync(SCRIPT),
  "icon.svg": "<svg/>",
  "secret.json": "{}",
};
for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content);
afterAll(() => rm(directory, { recursive: true }));

const config = { tokenSecrets: ["s".repeat(32)] as [string], version: "1.0.0" };
const { url } = await serveHttp({ config: { ...config, dashboardDirectory: directory } });
const HTML = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };

describe("the dashboard's page", () => {
  test.each(["/", "/projects/shop/prod/runs?status=FAILED", "/sign-in", "/projects/a/b/runs/run_1.2"])(
    "%s is index.html with a nonce of its own",
    async (path) => {
      const [first, second] = await Promise.all([
        fetch(url + path, { headers: HTML }),
        fetch(url + path, { headers: HTML }),
      ]);
      expect(first.status).toBe(200);
      expect(first.headers.get("cache-control")).toBe("no-cache");
      const nonces = [await first.text(), await second.text()].map((html) => /nonce="([^"]+)"/.exec(html)?.[1]);
      expect(nonces[0]).toMatch(/^[\w+/]{22}==$/);
      expect(nonces[0]).not.toBe(nonces[1]);
      expect(first.headers.get("content-security-policy")).toContain(`'nonce-${nonces[0]}'`);
    },
  );

  test("may run no inline script, be in no frame, and talk to its own platform alone", async () => {
    const { headers } = await fetch(url, { headers: HTML });
    const policy = headers.get("content-security-policy") ?? "";
    expect(policy).not.toContain("unsafe");
    expect(policy).toContain("default-src 'none'; script-src 'self';");
    expect(policy).toContain(`connect-src 'self' ws://${new URL(url).host} wss://${new URL(url).host};`);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("x-frame-options")).toBe("DENY");
  });

  test("a Host that is none says nothing in the policy", async () => {
    const policy = await policyFor("evil.test; script-src *");
    expect(policy).not.toContain("evil.test");
  });
});

describe("what is not a page", () => {
  test.each([
    ["/api/v1/nothing", HTML],
    ["/realtime/nothing", HTML],
    ["/metrics/x", HTML],
    ["/projects/shop", { accept: "application/json" }],
    ["/assets/gone-1.js", HTML],
    ["/secret.json", { accept: "*/*" }],
  ])("%s is a 404 in JSON", async (path, headers) => {
    const reply = await fetch(url + path, { headers });
    expect([reply.status, reply.headers.get("content-type")]).toEqual([404, "application/json; charset=utf-8"]);
  });

  test("a page's address takes no POST", async () => {
    expect((await fetch(`${url}/projects/shop/prod/runs`, { method: "POST", headers: HTML })).status).toBe(404);
  });
});

describe("a built file", () => {
  test.each([
    ["br, gzip", "br"],
    ["gzip, deflate, br", "br"],
    ["gzip", "gzip"],
    ["identity", null],
  ])("for a client that accepts %s is sent as %s, to be kept for ever", async (accepted, want) => {
    const reply = await fetch(`${url}/assets/main-a1b2.js`, { headers: { "accept-encoding": accepted } });
    expect(reply.headers.get("content-encoding")).toBe(want);
    expect(reply.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    expect(reply.headers.get("vary")).toBe("accept-encoding");
    expect(await reply.text()).toBe(SCRIPT);
  });

  test.each(["/assets/..%2fsecret.json", "/assets/%2e%2e/secret.json", "/..%2f..%2fetc%2fpasswd"])(
    "%s leads nowhere else",
    async (path) => expect((await fetch(url + path)).status).toBe(404),
  );
});

test("a platform whose dashboard was not built says how to build it", async () => {
  const { url: bare } = await serveHttp({ config: { ...config, dashboardDirectory: join(directory, "nowhere") } });
  const reply = await fetch(bare, { headers: HTML });
  expect(reply.status).toBe(503);
  expect(await reply.text()).toContain("make build");
});

/** By Node's own client: fetch sends no Host but its own. */
function policyFor(host: string): Promise<string> {
  const { port } = new URL(url);
  return new Promise((resolve, reject) => {
    request({ port, host: "127.0.0.1", path: "/", headers: { ...HTML, host } }, (reply) => {
      reply.resume();
      resolve(String(reply.headers["content-security-policy"]));
    })
      .on("error", reject)
      .end();
  });
}
