import { readFileSync } from "node:fs";
import { join } from "node:path";
import { load, loadAll } from "js-yaml";
import { expect, test } from "vitest";
import { CHART, renderChart, VALUE_SETS } from "../../.make/generate/chart.mjs";
import { PREFIX, readConfig, SETTINGS } from "../../platform/src/config.ts";

const values = load(readFileSync(join(CHART, "values.yaml"), "utf8"));
const schema = JSON.parse(readFileSync(join(CHART, "values.schema.json"), "utf8"));
const SECRETS = {
  "encryption-key": Buffer.alloc(32).toString("base64"),
  "metrics-token": "0123456789abcdef",
  "setup-secret": "0123456789abcdef",
  "database-url": "postgres://gantry:secret@db/gantry",
  "direct-url": "postgres://gantry:secret@db:5433/gantry",
  "redis-url": "redis://:secret@redis:6379",
};

/** Objects of a value set, and of single values as `--set` takes them. */
function objects(set, ...assignments) {
  const { ok, output, stdout } = renderChart([
    "--values",
    join(CHART, "ci", `${set}-values.yaml`),
    ...assignments.flatMap((each) => ["--set", each]),
  ]);
  if (!ok) throw new Error(output);
  return loadAll(stdout).filter(Boolean);
}

const find = (all, kind, name) => all.find((each) => each.kind === kind && each.metadata.name === name);
const podsOf = (all) =>
  all.flatMap((each) => {
    const spec = each.kind === "Pod" ? each.spec : each.spec?.template?.spec;
    return spec?.containers === undefined ? [] : [{ name: `${each.kind} ${each.metadata.name}`, spec }];
  });

/** The platform container's environment as Kubernetes would make it, of settings only. */
function platformEnvironment(all) {
  const [container] = find(all, "Deployment", "gantry").spec.template.spec.containers;
  const own = container.env
    .filter(({ valueFrom }) => !valueFrom?.secretKeyRef.optional)
    .map(({ name, value, valueFrom }) => [name, value ?? SECRETS[valueFrom.secretKeyRef.key] ?? "secret"]);
  const environment = { ...find(all, "ConfigMap", "gantry-settings").data, ...Object.fromEntries(own) };
  return Object.fromEntries(Object.entries(environment).filter(([name]) => name.startsWith(PREFIX)));
}

test.each(
  Object.entries({
    "several replicas without Redis": ["replicas=2,redis.enabled=false", "/redis/enabled': value must be true"],
    "a scaler to several replicas without Redis": [
      "autoscaling.enabled=true,redis.enabled=false",
      "/redis/enabled': value must be true",
    ],
    "two databases": ["externalDatabase.url=postgres://db/gantry", "/postgresql/enabled': value must be false"],
    "a second database by its Secret": [
      "externalDatabase.existingSecret=db",
      "/postgresql/enabled': value must be false",
    ],
    "no database": ["postgresql.enabled=false", "/externalDatabase/url': minLength"],
    "a database that is no Postgres": [
      "postgresql.enabled=false,externalDatabase.url=mysql://db/gantry",
      "/externalDatabase/url': 'mysql://db/gantry' does not match",
    ],
    "two sources of one database": [
      "postgresql.enabled=false,externalDatabase.url=postgres://a/b,externalDatabase.existingSecret=db",
      "/externalDatabase/url': value must be ''",
    ],
    "two Redises' addresses": [
      "externalRedis.url=redis://a,externalRedis.existingSecret=redis",
      "/externalRedis/url': value must be ''",
    ],
    "no registry": ["registry.enabled=false", "/externalRegistry/pushUrl': minLength"],
    "a registry that nodes have no address of": [
      "registry.enabled=false,externalRegistry.pushUrl=https://r.example.com",
      "/externalRegistry/pullUrl': minLength",
    ],
    "two registries": [
      "externalRegistry.pushUrl=https://r.example.com,externalRegistry.pullUrl=r.example.com",
      "/registry/enabled': value must be false",
    ],
    "a pull address with a scheme": [
      "registry.enabled=false,externalRegistry.pushUrl=https://r.example.com,externalRegistry.pullUrl=https://r.example.com",
      "/externalRegistry/pullUrl': 'https://r.example.com' does not match",
    ],
    "a user without a password": [
      "registry.enabled=false,externalRegistry.pushUrl=https://r.example.com,externalRegistry.pullUrl=r.example.com,externalRegistry.username=ci",
      "/externalRegistry/password': minLength",
    ],
    "a registry behind an ingress without a host": [
      "registry.nodeAccess=ingress",
      "/registry/ingress/host': minLength",
    ],
    "a Docker builder without a host": ["builder.docker.enabled=true", "/builder/docker/host': minLength"],
    "an Engine over the network without TLS": [
      "builder.docker.enabled=true,builder.docker.host=tcp://builder:2375",
      "/builder/docker/tlsSecret': minLength",
    ],
    "an ingress without a host": ["ingress.enabled=true", "/ingress/host': minLength"],
    "a node port of a Service that has none": ["service.nodePort=30080", "/service/type': value must be 'NodePort'"],
    "a service account that nobody makes": ["serviceAccount.create=false", "/serviceAccount/name': minLength"],
    "a runs' namespace that nobody makes": ["runs.namespace.create=false", "/runs/namespace/name': minLength"],
    "runs in the platform's namespace": ["runs.namespace.name=gantry", "the platform's own namespace"],
    "process checkpoints in the platform's namespace": [
      "processCheckpoints.enabled=true,processCheckpoints.namespace.name=gantry",
      "the platform's own namespace or that of all runs",
    ],
    "process checkpoints in the namespace of all runs": [
      "processCheckpoints.enabled=true,processCheckpoints.namespace.name=gantry-runs",
      "the platform's own namespace or that of all runs",
    ],
    "a namespace of process checkpoints that nobody makes": [
      "processCheckpoints.enabled=true,processCheckpoints.namespace.create=false",
      "/processCheckpoints/namespace/name': minLength",
    ],
    "a setting that the chart sets itself": ["settings.DATABASE_URL=x", "invalid propertyName 'DATABASE_URL'"],
    "a setting past the settings": ["extraEnv[0].name=GANTRY_PLATFORM_PORT", "/extraEnv/0/name': 'not' failed"],
    "a machine without memory": ["runs.machines.huge.cpu=16", "missing property 'memory'"],
    "no replica": ["replicas=0", "/replicas': minimum"],
    "a misspelt value": ["imgae.tag=1", "additional properties 'imgae' not allowed"],
    "a misspelt value within a group": ["ingress.hosts=x", "additional properties 'hosts' not allowed"],
    "an unknown log level": ["logLevel=verbose", "/logLevel': value must be one of"],
  }),
)("the chart refuses %s", (_what, [assignments, want]) => {
  const { ok, output } = renderChart(["--set", assignments]);
  expect(ok).toBe(false);
  expect(output).toContain(want);
});

test.each(
  Object.entries({
    "several replicas with an external Redis": "replicas=3,redis.enabled=false,externalRedis.url=redis://redis:6379",
    "a scaler that never makes a second replica":
      "autoscaling.enabled=true,autoscaling.minReplicas=1,autoscaling.maxReplicas=1,redis.enabled=false",
    "an Engine on a socket without TLS": "builder.docker.enabled=true,builder.docker.host=unix:///var/run/docker.sock",
    "an Engine without TLS that is said to be insecure":
      "builder.docker.enabled=true,builder.docker.host=tcp://b:2375,builder.docker.insecure=true",
  }),
)("the chart takes %s", (_what, assignments) => {
  expect(renderChart(["--set", assignments])).toMatchObject({ ok: true });
});

test.each(VALUE_SETS)("the platform's settings of the set %s are ones that the platform reads", (set) => {
  expect(() => readConfig(platformEnvironment(objects(set)))).not.toThrow();
});

test("what the chart sets itself cannot be set twice, and all else can be by its name", () => {
  const set = [
    ...VALUE_SETS.flatMap((name) => Object.keys(platformEnvironment(objects(name)))),
    ...Object.keys(platformEnvironment(objects("external", "externalRedis.url=redis://r"))),
    `${PREFIX}PREVIOUS_ENCRYPTION_KEYS`,
  ].map((name) => name.slice(PREFIX.length));
  const given = Object.keys(load(readFileSync(join(CHART, "ci", "ha-values.yaml"), "utf8")).settings);
  const reserved = schema.properties.settings.propertyNames.not.enum;
  expect([...reserved].sort()).toEqual([...new Set(set)].filter((name) => !given.includes(name)).sort());
  expect(reserved.filter((name) => !(name in SETTINGS))).toEqual([]);
});

test("the schema knows each value, and each has a default", () => {
  const compare = (path, part, value) => {
    if (part.properties === undefined || part.properties.metadata) return;
    expect({ path, keys: Object.keys(value).sort() }).toEqual({
      path,
      keys: Object.keys(part.properties)
        .filter((key) => key !== "global")
        .sort(),
    });
    for (const [key, inner] of Object.entries(part.properties)) {
      const definition = schema.definitions[inner.$ref?.split("/").at(-1)];
      if (value[key] !== undefined && !inner.$ref?.endsWith("resources"))
        compare(`${path}.${key}`, definition ?? inner, value[key]);
    }
  };
  compare("values", schema, values);
});

test.each(VALUE_SETS)("every pod of the set %s is hardened", (set) => {
  const mayAskTheApi = [
    "Deployment gantry",
    "Job gantry-secrets",
    "Job gantry-pull-secret",
    "Job gantry-pull-secret-checkpoints",
  ];
  for (const { name, spec } of podsOf(objects(set))) {
    expect({ name, ...spec }).toMatchObject({
      enableServiceLinks: false,
      automountServiceAccountToken: mayAskTheApi.includes(name),
      securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
    });
    for (const container of [...spec.containers, ...(spec.initContainers ?? [])]) {
      expect({ name, ...container.securityContext }).toEqual({
        name,
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
    }
  }
});

test("the platform may touch Jobs, Pods and Events of the runs' namespace, and nothing else", () => {
  const all = objects("default");
  expect(all.filter(({ kind }) => kind.startsWith("Cluster"))).toEqual([]);
  const role = find(all, "Role", "gantry");
  expect(role.metadata.namespace).toBe("gantry-runs");
  expect(role.rules.flatMap(({ resources }) => resources)).toEqual(["jobs", "pods", "events"]);
});

test("process checkpoints are off by default, and nothing of them is there", () => {
  const text = JSON.stringify(objects("default"));
  expect(text).not.toMatch(/checkpoint|privileged|Unconfined/i);
});

test("process checkpoints add a namespace, alone in what Pod Security allows there, with the rights and ways of that of all runs", () => {
  const [off, on] = [objects("default"), objects("checkpoints")];
  const levels = on.flatMap(({ kind, metadata }) =>
    kind === "Namespace" ? [[metadata.name, metadata.labels["pod-security.kubernetes.io/enforce"]]] : [],
  );
  expect(Object.fromEntries(levels)).toEqual({ "gantry-runs": "restricted", "gantry-checkpoints": "privileged" });
  const of = (all, kind, namespace) =>
    all.filter(
      (each) => each.kind === kind && each.metadata.namespace === namespace && !/pull/.test(each.metadata.name),
    );
  for (const kind of ["Role", "RoleBinding", "NetworkPolicy"]) {
    const here = of(on, kind, "gantry-checkpoints");
    expect(here).toHaveLength(1);
    expect(here.map(({ metadata: _, ...rest }) => rest)).toEqual(
      of(off, kind, "gantry-runs").map(({ metadata: _, ...rest }) => rest),
    );
    expect(of(on, kind, "gantry-runs")).toEqual(of(off, kind, "gantry-runs"));
  }
  const pull = find(on, "Job", "gantry-pull-secret-checkpoints").spec.template.spec.containers[0].args;
  expect(pull).toContain("gantry-checkpoints");
});

test("Redis comes with the second replica, and not where another one is given", () => {
  expect(find(objects("default"), "Deployment", "gantry-redis")).toBeUndefined();
  expect(find(objects("default", "replicas=2"), "Deployment", "gantry-redis")).toBeDefined();
  expect(find(objects("external"), "Deployment", "gantry-redis")).toBeUndefined();
});

test("no secret value is in what is rendered, so that rendering twice changes nothing", () => {
  const [first, second] = [objects("ha"), objects("ha")];
  expect(first).toEqual(second);
  expect(first.filter(({ kind }) => kind === "Secret")).toEqual([]);
});

test("runs never reach the metadata address, whatever is added", () => {
  const { egress } = find(objects("ha"), "NetworkPolicy", "gantry-runs").spec;
  const blocks = egress.flatMap(({ to = [] }) => to).flatMap(({ ipBlock }) => (ipBlock ? [ipBlock] : []));
  const wide = blocks.filter(({ cidr }) => cidr === "0.0.0.0/0" || cidr === "::/0");
  expect(wide.map(({ except }) => except)).toEqual([
    ["169.254.169.254/32", "10.0.0.0/8"],
    ["fd00:ec2::254/128", "fd00::/8"],
  ]);
});

test("every alert asks for metrics that the platform has", () => {
  const { groups } = find(objects("ha"), "PrometheusRule", "gantry").spec;
  const names = groups.flatMap(({ rules }) => rules).flatMap(({ expr }) => expr.match(/gantry_\w+(?={)/g) ?? []);
  expect(names).toHaveLength(5);
  const sources = ["adapters/postgres/database-metrics.ts", "engine.ts"].map((file) =>
    readFileSync(join(CHART, "../../platform/src", file), "utf8"),
  );
  for (const name of names) expect(sources.join("")).toContain(`"${name.replace(/_count$/, "")}"`);
});
