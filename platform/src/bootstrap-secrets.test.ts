import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { KubeConfig } from "@kubernetes/client-node";
import { compare } from "bcryptjs";
import { expect, onTestFinished, test } from "vitest";
import { bootstrapSecrets } from "./bootstrap-secrets.ts";

interface StoredSecret {
  type: string;
  version: number;
  data: Record<string, string>;
}
type Body = {
  type?: string;
  metadata: { name?: string; resourceVersion?: string };
  stringData: Record<string, string>;
};

const NOBODY = { username: undefined, password: undefined };
const OWN = ["--namespace", "ns", "--secret", "gantry-secrets"];

/** As much of an API server as Secrets need: create, read, merge-patch by version. `before` may change what is stored. */
async function clusterWith(secrets: Map<string, StoredSecret>, before: (method: string) => void = () => undefined) {
  const server = createServer(async (req, res) => {
    let text = "";
    for await (const chunk of req) text += String(chunk);
    before(req.method ?? "");
    const { status, secret } = answer(req.method ?? "", req.url?.split("/").at(-1) ?? "", text);
    res.writeHead(status, { "content-type": "application/json" });
    const metadata = { resourceVersion: String(secret?.version ?? 0) };
    res.end(
      JSON.stringify(secret === undefined ? { kind: "Status", code: status } : { metadata, data: encoded(secret) }),
    );
  });
  function answer(method: string, name: string, text: string): { status: number; secret?: StoredSecret | undefined } {
    if (method === "GET") return { status: secrets.has(name) ? 200 : 404, secret: secrets.get(name) };
    const body = JSON.parse(text) as Body;
    if (method === "POST") {
      const made = { type: body.type ?? "", version: 1, data: body.stringData };
      if (secrets.has(body.metadata.name ?? "")) return { status: 409 };
      secrets.set(body.metadata.name ?? "", made);
      return { status: 201, secret: made };
    }
    const secret = secrets.get(name);
    if (secret === undefined || String(secret.version) !== body.metadata.resourceVersion) return { status: 409 };
    Object.assign(secret, { version: secret.version + 1, data: { ...secret.data, ...body.stringData } });
    return { status: 200, secret };
  }
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  onTestFinished(() => void server.close());
  const cluster = new KubeConfig();
  cluster.loadFromClusterAndUser(
    { name: "fake", server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, skipTLSVerify: true },
    { name: "job" },
  );
  return cluster;
}

const encoded = ({ data }: StoredSecret) =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString("base64")]));

test("missing keys are made, each of its kind, and a second time nothing changes", async () => {
  const secrets = new Map<string, StoredSecret>();
  const cluster = await clusterWith(secrets);
  const args = [
    ...OWN,
    ...["encryption-key", "registry-password", "registry-htpasswd"].flatMap((key) => ["--key", key]),
  ];
  expect(await bootstrapSecrets(args, NOBODY, cluster)).toContain("made the Secret ns/gantry-secrets");
  const data = { ...secrets.get("gantry-secrets")?.data };
  expect(Buffer.from(data["encryption-key"] ?? "", "base64")).toHaveLength(32);
  expect(data["registry-password"]).toMatch(/^[0-9a-f]{48}$/);
  expect(
    await compare(data["registry-password"] ?? "", data["registry-htpasswd"]?.trim().slice("gantry:".length) ?? ""),
  ).toBe(true);
  expect(await bootstrapSecrets(args, NOBODY, cluster)).toContain("has all that is needed");
  expect(secrets.get("gantry-secrets")?.data).toEqual(data);
});

test("a key that is there is kept, also where others are added", async () => {
  const secrets = new Map([["gantry-secrets", { type: "Opaque", version: 7, data: { "encryption-key": "mine" } }]]);
  const args = [...OWN, "--key", "encryption-key", "--key", "redis-password"];
  await bootstrapSecrets(args, NOBODY, await clusterWith(secrets));
  expect(secrets.get("gantry-secrets")?.data).toEqual({
    "encryption-key": "mine",
    "redis-password": expect.stringMatching(/^[0-9a-f]{48}$/) as string,
  });
});

test("of two that run at once the first wins, whether it made the Secret or added to it", async () => {
  const first = { type: "Opaque", version: 1, data: { "encryption-key": "first" } };
  const made = new Map<string, StoredSecret>();
  const racesToCreate = await clusterWith(made, (method) => {
    if (method === "POST" && !made.has("gantry-secrets")) made.set("gantry-secrets", structuredClone(first));
  });
  await bootstrapSecrets([...OWN, "--key", "encryption-key"], NOBODY, racesToCreate);
  expect(made.get("gantry-secrets")).toEqual(first);

  const added = new Map<string, StoredSecret>([["gantry-secrets", { type: "Opaque", version: 3, data: {} }]]);
  const racesToAdd = await clusterWith(added, (method) => {
    if (method === "PATCH" && added.get("gantry-secrets")?.version === 3)
      added.set("gantry-secrets", { ...structuredClone(first), version: 4 });
  });
  await bootstrapSecrets([...OWN, "--key", "encryption-key"], NOBODY, racesToAdd);
  expect(added.get("gantry-secrets")?.data).toEqual(first.data);
});

test("a pull secret holds the registry's credentials as nodes read them, and follows them", async () => {
  const secrets = new Map<string, StoredSecret>();
  const cluster = await clusterWith(secrets);
  const args = ["--namespace", "runs", "--pull-secret", "pull", "--registry", "localhost:5000"];
  await bootstrapSecrets(args, { username: "gantry", password: "older" }, cluster);
  await bootstrapSecrets(args, { username: "gantry", password: "secret" }, cluster);
  expect(secrets.get("pull")?.type).toBe("kubernetes.io/dockerconfigjson");
  expect(JSON.parse(secrets.get("pull")?.data[".dockerconfigjson"] ?? "")).toEqual({
    auths: {
      "localhost:5000": {
        username: "gantry",
        password: "secret",
        auth: Buffer.from("gantry:secret").toString("base64"),
      },
    },
  });
});

test("a key that nobody knows how to make is refused by its name", async () => {
  const cluster = await clusterWith(new Map());
  await expect(bootstrapSecrets([...OWN, "--key", "pasword"], NOBODY, cluster)).rejects.toThrow(
    /pasword is not one of/,
  );
});
