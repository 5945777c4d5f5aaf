import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import {
  ApiException,
  CoreV1Api,
  KubeConfig,
  PatchStrategy,
  setHeaderOptions,
  type V1Secret,
} from "@kubernetes/client-node";
import { hash } from "bcryptjs";
import { ConfigError } from "./config.ts";

/** What the chart's keys are made of. Passwords are hexadecimal: they stand in URLs. `others` are those made or found already. */
const KEYS: Record<string, (others: Readonly<Record<string, string>>) => Promise<string> | string> = {
  "encryption-key": () => randomBytes(32).toString("base64"),
  "metrics-token": () => randomBytes(24).toString("hex"),
  "postgres-password": () => randomBytes(24).toString("hex"),
  "redis-password": () => randomBytes(24).toString("hex"),
  "registry-password": () => randomBytes(24).toString("hex"),
  // The one hash that registries take.
  "registry-htpasswd": async (others) => `gantry:${await hash(others["registry-password"] ?? "", 10)}\n`,
};
const LABELS = { "app.kubernetes.io/part-of": "gantry", "app.kubernetes.io/managed-by": "gantry-bootstrap-secrets" };
const ATTEMPTS = 5;

export interface RegistryCredentials {
  username: string | undefined;
  password: string | undefined;
}

interface SecretRequest {
  namespace: string;
  name: string;
  type: string;
  /** Values of the keys to be set; called with what the Secret has. */
  missing(found: Readonly<Record<string, string>>): Promise<Record<string, string>> | Record<string, string>;
}

/**
 * `gantry-platform bootstrap-secrets`, which the chart's Jobs run: makes a Secret, or adds the keys that it lacks, and never
 * changes one that is there; only a pull secret follows the credentials it is made from. Any number may run at once.
 *
 *   --namespace <ns> --secret <name> --key <key>…          the platform's own: keys of KEYS
 *   --namespace <ns> --pull-secret <name> --registry <host>  the nodes' credentials for a registry, from `credentials`
 */
export async function bootstrapSecrets(
  args: string[],
  credentials: RegistryCredentials,
  cluster: KubeConfig = inCluster(),
): Promise<string> {
  const { values } = parseArgs({
    args,
    options: {
      namespace: { type: "string" },
      secret: { type: "string" },
      key: { type: "string", multiple: true },
      "pull-secret": { type: "string" },
      registry: { type: "string" },
    },
  });
  const { namespace, secret, key: keys = [], "pull-secret": pullSecret, registry } = values;
  const api = cluster.makeApiClient(CoreV1Api);
  if (namespace && secret) {
    const unknown = keys.find((key) => !(key in KEYS));
    if (unknown !== undefined) throw new ConfigError(`${unknown} is not one of ${Object.keys(KEYS).join(", ")}.`);
    return ensureSecret(api, { namespace, name: secret, type: "Opaque", missing: (found) => made(keys, found) });
  }
  if (namespace && pullSecret && registry) {
    const config = dockerConfig(registry, credentials);
    const missing = (found: Readonly<Record<string, string>>) =>
      found[".dockerconfigjson"] === config ? {} : { ".dockerconfigjson": config };
    return ensureSecret(api, { namespace, name: pullSecret, type: "kubernetes.io/dockerconfigjson", missing });
  }
  throw new ConfigError(
    "bootstrap-secrets needs --namespace, and --secret with --key, or --pull-secret with --registry.",
  );
}

async function made(keys: string[], found: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  const fresh: Record<string, string> = {};
  for (const key of keys) {
    if (key in found) continue;
    fresh[key] = (await KEYS[key]?.({ ...found, ...fresh })) ?? "";
  }
  return fresh;
}

function dockerConfig(registry: string, { username, password }: RegistryCredentials): string {
  if (!username || !password) throw new ConfigError("The registry's user and password are not set.");
  const auth = Buffer.from(`${username}:${password}`).toString("base64");
  return JSON.stringify({ auths: { [registry]: { username, password, auth } } });
}

/** Says what was done, without a value. Whoever was first wins: a create that finds the Secret made, or a patch that finds it changed, looks again. */
async function ensureSecret(api: CoreV1Api, request: SecretRequest): Promise<string> {
  const { namespace, name } = request;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const outcome = await ensureOnce(api, request);
    if (outcome !== "again") return outcome;
  }
  throw new Error(`The Secret ${namespace}/${name} was changed by somebody else ${ATTEMPTS} times.`);
}

async function ensureOnce(api: CoreV1Api, request: SecretRequest): Promise<string> {
  const { namespace, name, type, missing } = request;
  const secret = await unlessStatus(api.readNamespacedSecret({ name, namespace }), 404);
  const data = await missing(decoded(secret));
  const keys = Object.keys(data).join(", ");
  if (secret === undefined) {
    const body = { metadata: { name, namespace, labels: LABELS }, type, stringData: data };
    const created = await unlessStatus(api.createNamespacedSecret({ namespace, body }), 409);
    return created === undefined ? "again" : `made the Secret ${namespace}/${name}: ${keys}`;
  }
  if (keys === "") return `the Secret ${namespace}/${name} has all that is needed`;
  // With the version that was read, so that nothing put there meanwhile is overwritten.
  const body = { metadata: { resourceVersion: secret.metadata?.resourceVersion }, stringData: data };
  const patch = api.patchNamespacedSecret(
    { name, namespace, body },
    setHeaderOptions("Content-Type", PatchStrategy.MergePatch),
  );
  return (await unlessStatus(patch, 409)) === undefined ? "again" : `added to the Secret ${namespace}/${name}: ${keys}`;
}

function decoded(secret: V1Secret | undefined): Record<string, string> {
  const entries = Object.entries(secret?.data ?? {});
  return Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value, "base64").toString()]));
}

async function unlessStatus<T>(reply: Promise<T>, status: number): Promise<T | undefined> {
  return reply.catch((error: unknown) => {
    if (error instanceof ApiException && error.code === status) return undefined;
    throw error;
  });
}

function inCluster(): KubeConfig {
  const cluster = new KubeConfig();
  cluster.loadFromCluster();
  return cluster;
}
