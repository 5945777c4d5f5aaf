import type { Role } from "@gantry/sdk/contract";
import { describe, expect, test } from "vitest";
import { auditAction } from "../../src/accounts/audit-action-ref.ts";
import { isRecorded } from "../../src/http/audit-trail.ts";
import type { Route } from "../../src/http/route.ts";
import { allRoutes } from "../../src/http/routes/index.ts";
import { fakeAccounts, userToken } from "../support/fake-accounts.ts";
import { caller, PROD, serveHttp } from "../support/served-http.ts";

const accounts = fakeAccounts(PROD);
const { url, edge } = await serveHttp({ accounts });
const call = caller(url);
const routes = allRoutes(edge);
const nameOf = ({ method, path }: Route) => `${method.toUpperCase()} ${path}`;

/** Open to whoever asks, each for a reason: whoever adds one says here why. */
const OPEN: Record<string, string> = {
  "GET /healthz": "probes have no credential",
  "GET /readyz": "probes have no credential",
  "GET /metrics": "asks for its own token where one is set",
  "GET /api/openapi.json": "says nothing of this installation",
  "PUT /api/v1/packet-content": "the URL's signature is the credential",
  "GET /api/v1/packet-content": "the URL's signature is the credential",
  "POST /api/v1/waitpoints/tokens/:waitpointId/callback/:hash": "the URL's hash is the credential",
  "GET /api/v1/timezones": "a list of names",
};

/** What changes something, and may be done by a viewer: it gives or takes nothing that is not the viewer's own. */
const OWN: Record<string, string> = {
  "POST /api/v1/access-tokens": "one's own, which do no more than one's role",
  "POST /api/v1/access-tokens/:tokenId/revoke": "one's own",
  "POST /api/v1/auth/public-tokens": "for no more than the viewer may",
  "POST /api/v1/auth/jwt": "for no more than the viewer may",
  "POST /api/v1/auth/jwt/claims": "says what a client's own token has to say",
};

/** Not for people at all: a run's or a worker's token asks. */
const isWorkers = ({ path, tag }: Route) => path.startsWith("/worker") || tag === "worker" || tag === "workers";
/** Asks with a body, and changes nothing. */
const isRead = ({ access }: Route) => "action" in access && access.action === "read";
const isClosed = ({ access }: Route) => access.by === "policy" || access.by === "late" || access.by === "identity";

async function statusOf(route: Route, role: Role): Promise<{ status: number; code: string | undefined }> {
  const path = route.path.replaceAll(/[:*]\w+/g, "x");
  const { status, body } = await call(route.method.toUpperCase(), path, {
    key: userToken(role),
    ...(route.body !== undefined && "schema" in route.body && route.method !== "get" ? { body: {} } : {}),
  });
  return { status, code: body.code };
}

describe("every route", () => {
  test("says who may ask for it", () => {
    const open = routes.filter((route) => route.access.by === "none" && route.status !== 501 && !isWorkers(route));
    expect(open.map(nameOf).filter((name) => !(name in OPEN))).toEqual([]);
  });

  test.each(
    routes
      .filter((route) => isClosed(route) && route.method !== "get" && !isRead(route))
      .map((route) => [nameOf(route), route]),
  )("%s changes something: a viewer is refused before anything is read", async (name, route) => {
    if (name in OWN || isWorkers(route)) return;
    expect(await statusOf(route, "viewer")).toEqual({ status: 403, code: "FORBIDDEN" });
  });

  test.each(
    routes
      .filter(({ access }) => "action" in access && access.action === "admin")
      .map((route) => [nameOf(route), route] as const),
  )("%s is for admins: a developer is refused, an admin is not", async (_, route) => {
    expect(await statusOf(route, "developer")).toEqual({ status: 403, code: "FORBIDDEN" });
    expect((await statusOf(route, "admin")).status).not.toBe(403);
  });

  test.each(
    routes
      .filter(
        ({ access }) =>
          "action" in access && ["write", "trigger", "batchTrigger", "deploy", "import"].includes(access.action),
      )
      .map((route) => [nameOf(route), route] as const),
  )("%s is open to developers", async (_, route) => {
    expect((await statusOf(route, "developer")).status).not.toBe(403);
  });

  test.each(
    routes.filter(({ access }) => "action" in access && access.action === "read").map((r) => [nameOf(r), r] as const),
  )("%s is open to viewers", async (_, route) => {
    expect((await statusOf(route, "viewer")).status).not.toBe(403);
  });
});

describe("the audit log", () => {
  const recorded = routes.filter((route) => isClosed(route) && isRecorded(route) && !isWorkers(route));

  test.each(recorded.map((route) => [nameOf(route), route] as const))(
    "has an entry of %s, however it ends",
    async (_, route) => {
      accounts.entries.length = 0;
      const { status, code } = await statusOf(route, "admin");
      expect(accounts.entries).toMatchObject([
        {
          actor: { kind: "user", id: "user_admin", name: "admin@x.test" },
          action: auditAction(route.method, route.path),
          outcome: status < 400 ? "ok" : code,
          address: expect.stringContaining("127.0.0.1"),
          requestId: expect.stringMatching(/./),
        },
      ]);
    },
  );

  test("has an entry of what was refused, too", async () => {
    accounts.entries.length = 0;
    await call("POST", "/api/v1/keys", { key: userToken("viewer"), body: {} });
    expect(accounts.entries).toMatchObject([{ action: "keys.create", outcome: "FORBIDDEN" }]);
  });

  test("leaves out what only reads, and says of every route that it leaves out that it only reads", () => {
    const left = routes.filter((route) => route.method !== "get" && !isRead(route) && !isRecorded(route)).map(nameOf);
    expect(left.sort()).toEqual(["POST /api/v1/auth/invitation", "POST /api/v1/auth/session/token"]);
  });

  test("holds no secret: neither a value, nor a key, nor a password", async () => {
    accounts.entries.length = 0;
    const key = userToken("admin");
    await call("POST", "/api/v1/projects/proj_one/envvars/prod", {
      key,
      body: { name: "STRIPE_KEY", value: "sk_live_secret" },
    });
    const made = await call("POST", "/api/v1/keys", { key, body: { scope: "full" } });
    await call("POST", "/api/v1/users", {
      key,
      body: { email: "a@x.test", name: "A", role: "viewer", password: "a password of somebody" },
    });
    const text = JSON.stringify(accounts.entries);
    expect(accounts.entries.map(({ action, target }) => [action, target])).toEqual([
      ["projects.envvars.create", "proj_one prod STRIPE_KEY"],
      ["keys.create", made.body.id],
      ["users.create", "a@x.test"],
    ]);
    for (const secret of ["sk_live_secret", String(made.body.key), "a password of somebody"])
      expect(text).not.toContain(secret);
  });
});
