import { HEARTBEAT_MS, IMAGE_PLATFORMS, LEASE_TTL_MS, roleSchema } from "@gantry/sdk/contract";
import { z } from "zod";
import { podTemplatesSchema } from "./cluster/pod-template.ts";
import { didYouMean } from "./did-you-mean.ts";

/** The platform's settings: the one place that reads the environment, and what docs/configuration.md is made from. */
export const PREFIX = "GANTRY_PLATFORM_";

const boolean = z
  .enum(["true", "false", "1", "0"], { error: "must be true or false" })
  .transform((text) => text === "true" || text === "1");
const whole = (minimum: number, maximum = 1_000_000_000) =>
  z.coerce.number({ error: "must be a number" }).int("must be a whole number").min(minimum).max(maximum);
const list = <const T extends readonly [string, ...string[]]>(values: T) =>
  z
    .string()
    .transform((text) => text.split(",").map((part) => part.trim()))
    .pipe(z.array(z.enum(values, { error: `must be a list of ${values.join(", ")}` })).min(1));
const masterKey = z
  .string()
  .refine((text) => Buffer.from(text, "base64").length === 32, "must be 32 bytes in base64: openssl rand -base64 32");

const json = <T extends z.ZodType>(schema: T) =>
  z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch (error) {
        context.addIssue({ code: "custom", message: `must be JSON: ${(error as Error).message}` });
        return z.NEVER;
      }
    })
    .pipe(schema);
const machines = z.record(
  z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "must be a name of lower-case letters, digits and hyphens"),
  z.strictObject({ cpu: z.number().positive(), memory: z.number().positive() }),
);

interface SettingNotes {
  /** What a value counts, or its form. */
  unit: string;
  /** One line for docs/configuration.md. */
  doc: string;
}

function setting<T extends z.ZodType>(schema: T, notes: SettingNotes): { schema: T } & SettingNotes {
  return { schema, ...notes };
}

/** Name (less its prefix) → what it may be, its default, unit and purpose. */
export const SETTINGS = {
  HOST: setting(z.string().default("127.0.0.1"), {
    unit: "address",
    doc: "The address to listen on; 0.0.0.0 for all.",
  }),
  PORT: setting(whole(0, 65_535).default(4400), { unit: "port", doc: "The port to listen on; 0 takes a free one." }),
  PUBLIC_URL: setting(z.url({ error: "must be a URL" }).optional(), {
    unit: "URL",
    doc: "How clients and workers reach the platform, where that is not its own address.",
  }),
  ROLES: setting(list(["api", "scheduler"]).prefault("api,scheduler"), {
    unit: "list",
    doc: "What this process does: `api` serves requests and workers, `scheduler` admits runs and stands for leader.",
  }),
  DATABASE_URL: setting(z.string().optional(), {
    unit: "URL",
    doc: "The Postgres to use; `DATABASE_URL` is accepted too. Without it the embedded one is started.",
  }),
  DATABASE_DIRECT_URL: setting(z.string().optional(), {
    unit: "URL",
    doc: "A connection past a transaction pooler, for migrations, LISTEN and leader locks.",
  }),
  REDIS_URL: setting(
    z
      .string()
      .regex(/^rediss?:\/\//, "must be redis://… or rediss://…")
      .optional(),
    {
      unit: "URL",
      doc: "By which replicas tell each other what is new; without it they use NOTIFY of Postgres.",
    },
  ),
  DATABASE_POOL_SIZE: setting(whole(2, 500).default(20), {
    unit: "connections",
    doc: "Connections to Postgres at most.",
  }),
  REALTIME_MAX_SOCKETS: setting(whole(0, 1_000_000).default(20_000), {
    unit: "sockets",
    doc: "Clients connected for live updates to this process at most; others poll, or find another replica. 0 serves none.",
  }),
  EMBEDDED_POSTGRES: setting(boolean.prefault("true"), {
    unit: "boolean",
    doc: "Whether the embedded Postgres is started where no URL is given; false makes the URL required.",
  }),
  DATA_DIR: setting(z.string().default(".gantry"), {
    unit: "folder",
    doc: "Where the embedded Postgres, its key and workers' files live.",
  }),
  RUNS_DIR: setting(z.string().optional(), {
    unit: "folder",
    doc: "Where workers' sockets and output go; a temporary folder by default.",
  }),
  ENCRYPTION_KEY: setting(masterKey.optional(), {
    unit: "base64",
    doc: "32 bytes that encrypt secrets at rest; without it one is made once and kept in the data folder.",
  }),
  PREVIOUS_ENCRYPTION_KEYS: setting(
    z
      .string()
      .transform((text) => text.split(",").map((part) => part.trim()))
      .pipe(z.array(masterKey))
      .optional(),
    {
      unit: "list",
      doc: "Keys before this one, in base64: what they sealed or signed is still accepted; `gantry-platform rotate-key` seals it anew.",
    },
  ),
  INTERNAL_URL: setting(z.url({ error: "must be a URL" }).optional(), {
    unit: "URL",
    doc: "How run pods reach the platform within the cluster; the public URL where it is not set.",
  }),
  EXECUTOR: setting(
    z.enum(["process", "kubernetes", "none"], { error: "must be process, kubernetes or none" }).default("process"),
    {
      unit: "name",
      doc: "What starts workers: `process` on this machine, `kubernetes` as Jobs, or `none` here.",
    },
  ),
  KUBERNETES_NAMESPACE: setting(z.string().optional(), {
    unit: "name",
    doc: "The runs' namespace: Jobs are made there and nowhere else.",
  }),
  KUBERNETES_TEMPLATES: setting(json(podTemplatesSchema).optional(), {
    unit: "JSON",
    doc: "The operator's pod templates: `{ default, presets: { <machine>: … }, named: { <name>: … } }`.",
  }),
  KUBERNETES_KUBECONFIG: setting(z.string().optional(), {
    unit: "file",
    doc: "How to reach the cluster, where that is neither this pod's service account nor `KUBECONFIG`.",
  }),
  KUBERNETES_INSTANCE: setting(
    z
      .string()
      .regex(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/, "must be a label's value")
      .default("gantry"),
    {
      unit: "name",
      doc: "Tells the Jobs of several installations in one namespace apart: the label `gantry.dev/managed`.",
    },
  ),
  KUBERNETES_QPS: setting(whole(1, 10_000).default(100), {
    unit: "requests",
    doc: "What the Kubernetes API is asked in a second at most; a 429 of its own slows further.",
  }),
  KUBERNETES_UNSCHEDULABLE_MS: setting(whole(1_000).default(300_000), {
    unit: "milliseconds",
    doc: "A pod without a node is given up after this and its run queued again; longer than an autoscaler needs for a node.",
  }),
  KUBERNETES_NEVER_FITS_MS: setting(whole(1_000).default(600_000), {
    unit: "milliseconds",
    doc: "A run whose machine preset is larger than every node fails after this.",
  }),
  KUBERNETES_LARGEST_NODE: setting(json(z.record(z.string(), z.coerce.string())).optional(), {
    unit: "JSON",
    doc: 'What the largest node can give to one pod, where nodes may not be read: `{ "cpu": "16", "memory": "60Gi" }`.',
  }),
  KUBERNETES_IMAGE_PULL_MS: setting(whole(1_000).default(300_000), {
    unit: "milliseconds",
    doc: "A run whose image cannot be pulled fails after this.",
  }),
  KUBERNETES_POD_START_MS: setting(whole(1_000).default(300_000), {
    unit: "milliseconds",
    doc: "A pod that its node cannot start is given up after this and its run queued again.",
  }),
  KUBERNETES_FINISHED_TTL_MS: setting(whole(0).default(60_000), {
    unit: "milliseconds",
    doc: "How long a Job stays after its run's end, for `kubectl logs`.",
  }),
  KUBERNETES_FAILED_TTL_MS: setting(whole(0).default(600_000), {
    unit: "milliseconds",
    doc: "The same where its pod failed.",
  }),
  CHECKPOINT_NAMESPACE: setting(z.string().optional(), {
    unit: "name",
    doc: "Switches process checkpoints on: the namespace for Jobs of tasks that choose them, where Pod Security enforces no more than `privileged`.",
  }),
  CHECKPOINT_WORKER_IMAGE: setting(z.string().optional(), {
    unit: "image",
    doc: "The base of versions with such tasks: the worker image's variant that brings CRIU; by default the platform's own version of it.",
  }),
  CHECKPOINT_NODE_SELECTOR: setting(json(z.record(z.string(), z.string())).optional(), {
    unit: "JSON",
    doc: 'Labels of the nodes that such Jobs come to, so that a process is brought back on nodes of one kind: `{ "pool": "checkpoints" }`.',
  }),
  MACHINES: setting(json(machines).optional(), {
    unit: "JSON",
    doc: "Machine presets of one's own: `{ <name>: { cpu, memory } }` in cores and GB.",
  }),
  WORKER_IMAGE: setting(z.string().optional(), {
    unit: "image",
    doc: "The base of every version's image, as the platform's builder reaches it.",
  }),
  REGISTRY_PUSH_URL: setting(z.url({ error: "must be a URL" }).optional(), {
    unit: "URL",
    doc: "The image registry as the platform reaches it.",
  }),
  REGISTRY_PULL_URL: setting(z.string().optional(), {
    unit: "host",
    doc: "The same registry as nodes reach it, without a scheme: `localhost:5000`.",
  }),
  REGISTRY_USERNAME: setting(z.string().optional(), {
    unit: "characters",
    doc: "Whom the platform is to the registry.",
  }),
  REGISTRY_PASSWORD: setting(z.string().optional(), {
    unit: "characters",
    doc: "Its password or token there.",
  }),
  REGISTRY_TOKEN: setting(z.string().optional(), {
    unit: "characters",
    doc: "A bearer token for the registry, in place of a user name and a password.",
  }),
  REGISTRY_PUBLIC_URL: setting(z.string().optional(), {
    unit: "host",
    doc: "The same registry as people's machines reach it, for `gantry deploy --local-build`; without it they may not push.",
  }),
  REGISTRY_REPOSITORY_PREFIX: setting(
    z
      .string()
      .regex(
        /^[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$/,
        "must be the beginning of a repository's name",
      )
      .default("gantry"),
    {
      unit: "name",
      doc: "What the names of all repositories begin with: `<prefix>/<project>-<environment>`.",
    },
  ),
  BASE_REGISTRY_USERNAME: setting(z.string().optional(), {
    unit: "characters",
    doc: "Whom the platform is to the registry of the worker image, where that is another one.",
  }),
  BASE_REGISTRY_PASSWORD: setting(z.string().optional(), {
    unit: "characters",
    doc: "Its password or token there.",
  }),
  BUILD_PLATFORMS: setting(list(IMAGE_PLATFORMS).prefault("linux/amd64"), {
    unit: "list",
    doc: "What images are made for: linux/amd64, linux/arm64.",
  }),
  MAX_LAYER_BYTES: setting(whole(1_000_000, 100_000_000_000).default(1_000_000_000), {
    unit: "bytes",
    doc: "The largest layer a deploy may upload, compressed.",
  }),
  DEPLOYMENTS_KEEP: setting(whole(1, 10_000).default(10), {
    unit: "versions",
    doc: "How many of the latest versions of an environment keep their images; older ones lose theirs once no run needs them.",
  }),
  BUILDER: setting(
    z.enum(["oci-registry", "docker"], { error: "must be oci-registry or docker" }).default("oci-registry"),
    {
      unit: "name",
      doc: "What makes images: `oci-registry` without Docker, or `docker`, which build extensions that run something need anyway.",
    },
  ),
  BUILDER_DOCKER_HOST: setting(z.string().optional(), {
    unit: "URL",
    doc: "A Docker Engine for versions whose image must run something: `tcp://builder:2376`. Without it they need --local-build.",
  }),
  BUILDER_DOCKER_CERT_DIR: setting(z.string().optional(), {
    unit: "folder",
    doc: "`ca.pem`, `cert.pem` and `key.pem` for that Engine's TLS.",
  }),
  PROCESS_POOL_SIZE: setting(whole(0, 256).default(2), {
    unit: "processes",
    doc: "Booted processes kept ready for each version.",
  }),
  PROCESS_KEEP_ALIVE: setting(boolean.prefault("false"), {
    unit: "boolean",
    doc: "Whether a process runs one run after another.",
  }),
  LEASE_TTL_MS: setting(whole(500, 3_600_000).default(LEASE_TTL_MS), {
    unit: "milliseconds",
    doc: "How long a worker may be silent before its runs are given to another.",
  }),
  HEARTBEAT_MS: setting(whole(100, 600_000).default(HEARTBEAT_MS), {
    unit: "milliseconds",
    doc: "How often workers say that they live; at most half of the lease.",
  }),
  LOG_LEVEL: setting(z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"), {
    unit: "level",
    doc: "The least important lines that are logged.",
  }),
  LOG_FORMAT: setting(z.enum(["json", "pretty"]).default("json"), {
    unit: "name",
    doc: "`json`, or `pretty` for people.",
  }),
  SHUTDOWN_GRACE_MS: setting(whole(0).default(10_000), {
    unit: "milliseconds",
    doc: "How long requests in flight may take once the platform stops.",
  }),
  SHUTDOWN_DRAIN_MS: setting(whole(0).default(0), {
    unit: "milliseconds",
    doc: "How long clients are asked, before that, to leave the connections that they keep; for several replicas behind one address.",
  }),
  SETUP_SECRET: setting(z.string().min(16, "must have 16 characters or more").optional(), {
    unit: "characters",
    doc: "What makes the first user; without it the platform derives one and logs it while there is no user.",
  }),
  SESSION_IDLE_HOURS: setting(whole(1, 8_760).default(168), {
    unit: "hours",
    doc: "A browser's session that nobody used for so long is over.",
  }),
  SESSION_MAX_HOURS: setting(whole(1, 8_760).default(720), {
    unit: "hours",
    doc: "A session this old is over, however busy.",
  }),
  PASSWORD_SIGN_IN: setting(boolean.prefault("true"), {
    unit: "boolean",
    doc: "Whether people sign in by password; false leaves single sign-on alone, once the first user is linked.",
  }),
  AUDIT_RETENTION_DAYS: setting(whole(1, 36_500).default(365), {
    unit: "days",
    doc: "How long entries of the audit log are kept.",
  }),
  PROXY_HOPS: setting(whole(0, 10).default(0), {
    unit: "proxies",
    doc: "How many proxies stand in front of the platform and append to X-Forwarded-For: whence attempts to sign in come.",
  }),
  OIDC_ISSUER: setting(z.url({ error: "must be a URL" }).optional(), {
    unit: "URL",
    doc: "The OpenID Connect provider for single sign-on; its redirect URI is `<PUBLIC_URL>/api/v1/auth/oidc/callback`.",
  }),
  OIDC_CLIENT_ID: setting(z.string().optional(), { unit: "characters", doc: "Who the platform is to that provider." }),
  OIDC_CLIENT_SECRET: setting(z.string().optional(), {
    unit: "characters",
    doc: "Its secret there; without it the platform is a public client, with PKCE alone.",
  }),
  OIDC_SCOPES: setting(z.string().default("openid email profile"), {
    unit: "list",
    doc: "What the provider is asked for, with spaces between; some tell groups by a scope of their own.",
  }),
  OIDC_LABEL: setting(z.string().max(60).default("Single sign-on"), {
    unit: "characters",
    doc: "What the button says.",
  }),
  OIDC_AUTO_PROVISION: setting(boolean.prefault("false"), {
    unit: "boolean",
    doc: "Whether somebody whom the provider vouches for gets an account that nobody invited them to.",
  }),
  OIDC_ROLE_CLAIM: setting(z.string().optional(), {
    unit: "name",
    doc: "The claim that carries roles or groups: `groups`, `realm_access.roles`. With it each sign-in sets the role.",
  }),
  OIDC_ROLE_MAP: setting(json(z.record(z.string(), roleSchema)).optional(), {
    unit: "JSON",
    doc: 'Which value of that claim is which role: `{ "ops": "admin", "eng": "developer" }`; of several the highest counts.',
  }),
  OIDC_DEFAULT_ROLE: setting(
    z
      .enum(["viewer", "developer", "admin", "none"], { error: "must be viewer, developer, admin or none" })
      .default("viewer"),
    { unit: "role", doc: "For whom no value of the map fits; `none` lets nobody in without one." },
  ),
  OIDC_REQUIRE_VERIFIED_EMAIL: setting(boolean.prefault("true"), {
    unit: "boolean",
    doc: "Whether an address links or makes an account only where the provider says it has verified it.",
  }),
  METRICS_TOKEN: setting(z.string().min(16, "must have 16 characters or more").optional(), {
    unit: "characters",
    doc: "What a request for /metrics must bring as a bearer token; without it anybody who reaches the port may read them.",
  }),
  DEV_PROJECT: setting(z.string().optional(), {
    unit: "ref",
    doc: "Makes this project with its environment `dev` and one key at the start.",
  }),
  DEV_KEY_SECRET: setting(
    z
      .string()
      .regex(/^[0-9A-Za-z]{24}$/, "must be 24 letters or digits")
      .optional(),
    {
      unit: "characters",
      doc: "The last 24 characters of that key, so that it stays the same.",
    },
  ),
} as const;

type Settings = typeof SETTINGS;
type CamelCase<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${Capitalize<CamelCase<Tail>>}`
  : Lowercase<S>;
/** The settings in camel case: DATABASE_URL is `databaseUrl`. */
export type Config = { [K in keyof Settings & string as CamelCase<K>]: z.output<Settings[K]["schema"]> };

export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the settings. An empty value counts as unset, as charts and compose files write it.
 * Errors: ConfigError that lists everything that is wrong: an unknown name (with the one that was meant), a bad value.
 */
export function readConfig(environment: Environment = process.env): Config {
  const problems = unknownNames(environment);
  const entries = Object.entries(SETTINGS).map(([name, { schema }]) => {
    const parsed = schema.safeParse(valueOf(name, environment));
    if (!parsed.success)
      problems.push(`${PREFIX}${name} ${parsed.error.issues.map((issue) => issue.message).join(", ")}`);
    return [camelCase(name), parsed.data];
  });
  const config = Object.fromEntries(entries) as Config;
  if (!config.embeddedPostgres && !config.databaseUrl)
    problems.push(`${PREFIX}DATABASE_URL is required where the embedded Postgres is off`);
  if (config.heartbeatMs * 2 > config.leaseTtlMs)
    problems.push(`${PREFIX}HEARTBEAT_MS must be at most half of ${PREFIX}LEASE_TTL_MS`);
  problems.push(...imageProblems(config), ...checkpointProblems(config), ...signInProblems(config));
  if (problems.length > 0)
    throw new ConfigError(`The configuration is wrong:\n${problems.map((problem) => `  ${problem}`).join("\n")}`);
  return config;
}

/** What contradicts itself among the settings of registry and builders. */
function imageProblems(config: Config): string[] {
  const { registryPushUrl, registryUsername, registryPassword, registryToken } = config;
  const registry = [
    ["REGISTRY_PULL_URL", config.registryPullUrl],
    ["REGISTRY_PUBLIC_URL", config.registryPublicUrl],
    ["REGISTRY_USERNAME", registryUsername],
    ["REGISTRY_PASSWORD", registryPassword],
    ["REGISTRY_TOKEN", registryToken],
    ["BUILDER_DOCKER_HOST", config.builderDockerHost],
  ] as const;
  const pairs = [
    ["REGISTRY_USERNAME", registryUsername, "REGISTRY_PASSWORD", registryPassword],
    ["BASE_REGISTRY_USERNAME", config.baseRegistryUsername, "BASE_REGISTRY_PASSWORD", config.baseRegistryPassword],
  ] as const;
  const rules: [isBroken: boolean, problem: string][] = [
    ...registry.map(([name, value]): [boolean, string] => [
      registryPushUrl === undefined && value !== undefined,
      `${PREFIX}${name} is of no use without ${PREFIX}REGISTRY_PUSH_URL`,
    ]),
    ...pairs.map(([a, first, b, second]): [boolean, string] => [
      (first === undefined) !== (second === undefined),
      `${PREFIX}${a} and ${PREFIX}${b} are set together`,
    ]),
    [
      registryToken !== undefined && registryPassword !== undefined,
      `${PREFIX}REGISTRY_TOKEN and ${PREFIX}REGISTRY_PASSWORD exclude each other`,
    ],
    [
      registryPushUrl !== undefined && !isOrigin(registryPushUrl),
      `${PREFIX}REGISTRY_PUSH_URL is http:// or https://, a host and a port; what comes behind belongs into ${PREFIX}REGISTRY_REPOSITORY_PREFIX`,
    ],
    [
      config.builder === "docker" && config.builderDockerHost === undefined,
      `${PREFIX}BUILDER is docker, which needs ${PREFIX}BUILDER_DOCKER_HOST`,
    ],
    [
      config.builderDockerCertDir !== undefined && config.builderDockerHost === undefined,
      `${PREFIX}BUILDER_DOCKER_CERT_DIR is of no use without ${PREFIX}BUILDER_DOCKER_HOST`,
    ],
    [
      registryPushUrl !== undefined && config.executor === "kubernetes" && config.registryPullUrl === undefined,
      `${PREFIX}REGISTRY_PULL_URL is required: nodes reach the registry by a name of their own`,
    ],
  ];
  return rules.flatMap(([isBroken, problem]) => (isBroken ? [problem] : []));
}

/** What contradicts itself among the settings of process checkpoints. */
function checkpointProblems(config: Config): string[] {
  const { checkpointNamespace, checkpointWorkerImage, checkpointNodeSelector } = config;
  const rules: [isBroken: boolean, problem: string][] = [
    [
      checkpointNamespace !== undefined && config.executor === "process",
      `${PREFIX}CHECKPOINT_NAMESPACE is of no use where ${PREFIX}EXECUTOR is process: only Jobs' processes can be stored`,
    ],
    [
      checkpointNamespace !== undefined && checkpointNamespace === config.kubernetesNamespace,
      `${PREFIX}CHECKPOINT_NAMESPACE must not be ${PREFIX}KUBERNETES_NAMESPACE: what is allowed there is not for all runs`,
    ],
    [
      checkpointNamespace === undefined && checkpointWorkerImage !== undefined,
      `${PREFIX}CHECKPOINT_WORKER_IMAGE is of no use without ${PREFIX}CHECKPOINT_NAMESPACE`,
    ],
    [
      checkpointNamespace === undefined && checkpointNodeSelector !== undefined,
      `${PREFIX}CHECKPOINT_NODE_SELECTOR is of no use without ${PREFIX}CHECKPOINT_NAMESPACE`,
    ],
  ];
  return rules.flatMap(([isBroken, problem]) => (isBroken ? [problem] : []));
}

/** What contradicts itself among the settings of sign-in. */
function signInProblems(config: Config): string[] {
  const { oidcIssuer, oidcClientId, oidcRoleClaim, oidcRoleMap, publicUrl, passwordSignIn } = config;
  const rules: [isBroken: boolean, problem: string][] = [
    [
      (oidcIssuer === undefined) !== (oidcClientId === undefined),
      `${PREFIX}OIDC_ISSUER and ${PREFIX}OIDC_CLIENT_ID are set together`,
    ],
    [
      oidcIssuer !== undefined && publicUrl === undefined,
      `${PREFIX}OIDC_ISSUER needs ${PREFIX}PUBLIC_URL: the provider sends people back there`,
    ],
    [
      oidcIssuer?.startsWith("http:") === true && !isLoopbackUrl(oidcIssuer),
      `${PREFIX}OIDC_ISSUER must be https://: what it says decides who is admin`,
    ],
    [
      (oidcRoleClaim === undefined) !== (oidcRoleMap === undefined),
      `${PREFIX}OIDC_ROLE_CLAIM and ${PREFIX}OIDC_ROLE_MAP are set together`,
    ],
    [
      !passwordSignIn && oidcIssuer === undefined,
      `${PREFIX}PASSWORD_SIGN_IN is false and no ${PREFIX}OIDC_ISSUER is set: nobody could sign in`,
    ],
    [
      config.sessionIdleHours > config.sessionMaxHours,
      `${PREFIX}SESSION_IDLE_HOURS must not be more than ${PREFIX}SESSION_MAX_HOURS`,
    ],
  ];
  return rules.flatMap(([isBroken, problem]) => (isBroken ? [problem] : []));
}

function isLoopbackUrl(url: string): boolean {
  return /^(localhost|127\..*|\[::1\])$/.test(new URL(url).hostname);
}

function isOrigin(url: string): boolean {
  return /^https?:\/\/[^/?#@]+\/?$/.test(url);
}

function valueOf(name: string, environment: Environment): string | undefined {
  const own = environment[PREFIX + name] || undefined;
  return name === "DATABASE_URL" ? own || environment.DATABASE_URL || undefined : own;
}

function unknownNames(environment: Environment): string[] {
  const known = Object.keys(SETTINGS).map((name) => PREFIX + name);
  const unknown = Object.keys(environment).filter((name) => name.startsWith(PREFIX) && !known.includes(name));
  return unknown.map((name) => {
    const meant = didYouMean(name.slice(PREFIX.length), Object.keys(SETTINGS));
    return `${name} is not a setting${meant ? `; did you mean ${PREFIX}${meant}?` : ""}`;
  });
}

function camelCase(name: string): string {
  return name.toLowerCase().replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** The process's own environment, for what is started from it: tasks get it, less the platform's settings. */
export const processEnvironment = (): Environment => process.env;
