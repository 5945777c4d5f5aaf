import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { type BuildEvent, DEPLOY_PATHS } from "@gantry/sdk/contract";
import { Client } from "pg";
import { describe, expect, test } from "vitest";
import { noRegistry, startRegistry } from "./support/docker-registry.ts";
import { MANIFEST } from "./support/fake-engine.ts";
import { clientOf, layerOf, pushBase, type TestLayer } from "./support/image-fixtures.ts";
import { startRealPlatform } from "./support/real-platform.ts";
import { caller } from "./support/served-http.ts";
import { testDatabase } from "./support/test-database.ts";

type Done = Extract<BuildEvent, { type: "done" }>;
const ENCRYPTION_KEY = randomBytes(32).toString("base64");

/**
 * Two replicas of a platform over one database and one registry, and a key that may only deploy. The first alone has process
 * checkpoints switched on.
 */
async function openStage() {
  const at = await startRegistry();
  const baseImage = await pushBase(at, "gantry/worker");
  const settings = {
    GANTRY_PLATFORM_ENCRYPTION_KEY: ENCRYPTION_KEY,
    GANTRY_PLATFORM_REGISTRY_PUSH_URL: at.url,
    GANTRY_PLATFORM_REGISTRY_PULL_URL: at.host,
    GANTRY_PLATFORM_REGISTRY_PUBLIC_URL: at.host,
    GANTRY_PLATFORM_WORKER_IMAGE: baseImage,
    GANTRY_PLATFORM_MAX_LAYER_BYTES: "1000000",
    GANTRY_PLATFORM_DEPLOYMENTS_KEEP: "2",
  };
  const { url: databaseUrl } = await testDatabase();
  const checkpointBaseImage = await pushBase(at, "gantry/worker-checkpoints");
  const one = await startRealPlatform({
    deploy: false,
    databaseUrl,
    settings: {
      ...settings,
      GANTRY_PLATFORM_CHECKPOINT_NAMESPACE: "checkpoints",
      GANTRY_PLATFORM_CHECKPOINT_WORKER_IMAGE: checkpointBaseImage,
    },
  });
  const other = await startRealPlatform({ deploy: false, databaseUrl, settings });
  const { key } = await one.platform.projects.createKey(one.prod, "deploy");
  return { at, baseImage, checkpointBaseImage, databaseUrl, one, other, key };
}

type Stage = Awaited<ReturnType<typeof openStage>>;
const stage = noRegistry === undefined ? await openStage() : undefined;

describe.skipIf(noRegistry)(`deploys${noRegistry === undefined ? "" : `: skipped, ${noRegistry}`}`, () => {
  const { at, baseImage, checkpointBaseImage, databaseUrl, one, other, key } = stage ?? ({} as Stage);
  const call = caller(one?.url);
  const repository = "gantry/proj_test-prod";

  const put = (layer: TestLayer, headers: Record<string, string> = {}) =>
    call("PUT", DEPLOY_PATHS.layer(layer.digest), {
      key,
      body: layer.content,
      headers: { "content-type": "application/octet-stream", ...headers },
    });

  async function uploaded(text: string): Promise<TestLayer> {
    const layer = await layerOf([{ name: "app/bundle/entry.mjs", content: text }]);
    expect((await put(layer)).status).toBe(200);
    return layer;
  }

  const bodyOf = (layer: TestLayer, change: object = {}) => ({
    manifest: { ...MANIFEST, tasks: [{ id: "import", filePath: "a.ts" }] },
    contentHash: layer.digest.slice(7, 39),
    layers: [{ digest: layer.digest, diffId: layer.diffId, bytes: layer.bytes, kind: layer.kind }],
    platforms: ["linux/amd64"],
    ...change,
  });

  const build = (body: object, url = one.url) => gathered(follow(body, url));

  async function gathered(following: AsyncIterable<BuildEvent>): Promise<BuildEvent[]> {
    const events: BuildEvent[] = [];
    for await (const event of following) events.push(event);
    return events;
  }

  /** A build that waits for its turn. */
  async function queued(body: object, url = one.url, signal?: AbortSignal) {
    const following = follow(body, url, signal);
    const first = (await following.next()).value;
    expect(first).toMatchObject({ step: "wait" });
    return { following, message: String((first as { message?: string }).message) };
  }

  async function* follow(body: object, url = one.url, signal?: AbortSignal): AsyncGenerator<BuildEvent> {
    const response = await fetch(url + DEPLOY_PATHS.build, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    });
    if (response.status !== 200) throw Object.assign(new Error("refused"), { answer: await response.json() });
    let rest = "";
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      const lines = (rest + Buffer.from(chunk).toString()).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line !== "") yield JSON.parse(line) as BuildEvent;
    }
  }

  const last = (events: BuildEvent[]) => events.at(-1) as BuildEvent;
  const current = async () => (await call("GET", "/api/v1/deployments/current", { key })).body;

  test("a target says what a deploy must know", async () => {
    expect((await call("GET", DEPLOY_PATHS.target, { key })).body).toEqual({
      executor: "none",
      builders: ["oci-registry"],
      platforms: ["linux/amd64"],
      baseImage,
      checkpointBaseImage,
      repository,
      maxLayerBytes: 1_000_000,
    });
    const { body } = await caller(other.url)("GET", DEPLOY_PATHS.target, { key });
    expect(body).not.toHaveProperty("checkpointBaseImage");
  });

  test("a version whose tasks choose process checkpoints is built on the image that can, where the platform has them on", async () => {
    const chooses = { tasks: [{ id: "import", filePath: "a.ts", checkpoint: { mode: "process" } }] };
    const byDefault = { ...chooses, tasks: [{ id: "import", filePath: "a.ts" }], defaultCheckpoint: { process: true } };
    const baseOf = async (manifest: object, url: string, text: string) => {
      const events = await build(bodyOf(await uploaded(text), { manifest: { ...MANIFEST, ...manifest } }), url);
      expect(last(events)).toMatchObject({ type: "done", isNew: true });
      return events.flatMap((event) => (event.type === "step" && event.step === "base" ? [event.message] : []));
    };
    expect(await baseOf(chooses, one.url, "stores")).toEqual([`Base image ${checkpointBaseImage}`]);
    expect(await baseOf(byDefault, one.url, "stores by default")).toEqual([`Base image ${checkpointBaseImage}`]);
    expect(await baseOf(chooses, other.url, "may not")).toEqual([`Base image ${baseImage}`]);
  });

  test("only missing layers are asked for; once uploaded they are there", async () => {
    const layer = await layerOf([{ name: "app/bundle/first.mjs" }]);
    const ask = () => call("POST", DEPLOY_PATHS.missingLayers, { key, body: { digests: [layer.digest] } });
    expect((await ask()).body).toEqual({ missing: [layer.digest] });
    expect((await put(layer)).body).toEqual({ success: true });
    expect((await ask()).body).toEqual({ missing: [] });
  });

  test("a build registers a version with its digest and makes it current", async () => {
    const layer = await uploaded("1");
    const events = await build(bodyOf(layer));
    const { deployment, isNew, platformMs } = last(events) as Done;
    expect(events.flatMap((event) => (event.type === "step" ? [event.step] : []))).toEqual([
      "base",
      "build",
      "push",
      "verify",
      "register",
      "promote",
    ]);
    expect(isNew).toBe(true);
    expect(platformMs).toBeGreaterThan(0);
    expect(deployment).toMatchObject({ isCurrent: true, contentHash: layer.digest.slice(7, 39) });
    const digest = String(deployment.imageReference?.split("@")[1]);
    expect(await clientOf(at).hasManifest(repository, digest)).toBe(true);
    expect(await current()).toMatchObject({ version: deployment.version });
  });

  test("what a build said is read by others, at any replica, while it goes on and afterwards", async () => {
    const layer = await uploaded("told");
    const { deployment } = last(await build(bodyOf(layer))) as Done;
    const list = (await call("GET", `/api/v1/builds?version=${deployment.version}`, { key })).body;
    expect(list).toMatchObject({
      data: [{ status: "DEPLOYED", version: deployment.version, isNew: true, taskCount: 1 }],
    });
    const { id } = (list as { data: { id: string }[] }).data[0] as { id: string };
    const lines = (await caller(other.url)("GET", `/api/v1/builds/${id}/lines?from=1`, { key })).body;
    expect(lines).toMatchObject({
      build: { id },
      lines: expect.arrayContaining([expect.objectContaining({ step: "push" })]),
    });
    const { key: strangers } = await one.platform.projects.createKey(one.staging, "deploy");
    expect((await call("GET", `/api/v1/builds/${id}/lines`, { key: strangers })).status).toBe(404);
  });

  test("the same code again makes no version and pushes nothing", async () => {
    const layer = await uploaded("same");
    const first = last(await build(bodyOf(layer))) as Done;
    const events = await build(bodyOf(layer));
    expect(events).toEqual([{ ...first, isNew: false, platformMs: expect.any(Number) }]);
  });

  test("the same code is built again where its image was lost", async () => {
    const layer = await uploaded("lost");
    const first = last(await build(bodyOf(layer))) as Done;
    const digest = String(first.deployment.imageReference?.split("@")[1]);
    await clientOf(at).deleteManifest(repository, digest);
    expect(last(await build(bodyOf(layer)))).toMatchObject({ type: "done", isNew: false });
    expect(await clientOf(at).hasManifest(repository, digest)).toBe(true);
  });

  test("without promotion the current version goes on to serve", async () => {
    const before = await current();
    const { deployment } = last(await build(bodyOf(await uploaded("waits"), { promote: false }))) as Done;
    expect(deployment.isCurrent).toBe(false);
    expect(await current()).toMatchObject({ version: before.version });
  });

  const FAILING: Record<string, { change: () => object | Promise<object>; want: object }> = {
    "a layer that nobody uploaded": {
      change: async () => {
        const { digest, diffId, bytes, kind } = await layerOf([{ name: "app/bundle/no.mjs" }]);
        return { layers: [{ digest, diffId, bytes, kind }] };
      },
      want: { code: "LAYER_MISSING" },
    },
    "a base image that is not there": {
      change: () => ({ baseImage: `${at.host}/gantry/none:1` }),
      want: { code: "BASE_IMAGE_NOT_FOUND" },
    },
    "a base image for other machines": {
      change: async () => ({ baseImage: await pushBase(at, "gantry/arm", { platforms: ["linux/arm64"] }) }),
      want: { code: "WRONG_ARCHITECTURE" },
    },
    "a registry of a base image that is away": {
      change: () => ({ baseImage: "localhost:1/a:1" }),
      want: { code: "REGISTRY_UNAVAILABLE", remedy: expect.any(String) },
    },
  };
  test.each(Object.entries(FAILING))(
    "%s fails the build, and the current version serves",
    async (_sentence, { change, want }) => {
      const layer = await uploaded("failing");
      const before = await current();
      const versions = (await call("GET", "/api/v1/deployments?page[size]=100", { key })).body.data;
      expect(last(await build(bodyOf(layer, await change())))).toMatchObject({ type: "error", error: want });
      expect(await current()).toEqual(before);
      expect((await call("GET", "/api/v1/deployments?page[size]=100", { key })).body.data).toEqual(versions);
    },
  );

  const REFUSED: Record<string, { change: object; want: string }> = {
    "instructions, where there is no docker builder": {
      change: { instructions: ["RUN true"] },
      want: "NO_IMAGE_BUILDER",
    },
    "a builder that is not there": { change: { builder: "docker" }, want: "NO_IMAGE_BUILDER" },
    "images for other machines alone": { change: { platforms: ["linux/arm64"] }, want: "WRONG_ARCHITECTURE" },
    "two tasks of one id": {
      change: { manifest: { ...MANIFEST, tasks: [1, 2].map(() => ({ id: "a", filePath: "a.ts" })) } },
      want: "VALIDATION_FAILED",
    },
    "no layer": { change: { layers: [] }, want: "VALIDATION_FAILED" },
  };
  test.each(Object.entries(REFUSED))("%s is refused before anything begins", async (_sentence, { change, want }) => {
    const { status, body } = await call("POST", DEPLOY_PATHS.build, {
      key,
      body: bodyOf(await uploaded("refused"), change),
    });
    expect([body.code, status < 500]).toEqual([want, true]);
  });

  test("a bad layer is refused with what is wrong, and one too large before it is sent", async () => {
    const link = await layerOf([{ name: "app/bundle/x", type: "symlink", linkname: "/etc/passwd" }]);
    expect((await put(link)).body).toMatchObject({ code: "LAYER_INVALID", error: expect.stringContaining("symlink") });
    const large = await layerOf([{ name: "app/bundle/x", content: randomBytes(1_100_000) }]);
    expect((await put(large)).body.code).toBe("LAYER_TOO_LARGE");
    expect((await put(link, { "content-encoding": "gzip" })).body.code).toBe("UNSUPPORTED_MEDIA_TYPE");
    const { status } = await call("PUT", DEPLOY_PATHS.layer("sha256:abc"), { key, body: link.content });
    expect(status).toBe(400);
  });

  test("deploys of one environment at two replicas go one after another, and say for whom they wait", async () => {
    const layers = await Promise.all(["a", "b", "c", "d"].map((text) => uploaded(`together ${text}`)));
    // None is done before the last has come.
    const lock = await lockOf(one.prod.id);
    const all = await Promise.all(layers.map((layer, n) => queued(bodyOf(layer), n % 2 === 0 ? one.url : other.url)));
    await lock.end();
    const events = await Promise.all(all.map(({ following }) => gathered(following)));
    const versions = events.map((each) => (last(each) as Done).deployment.version);
    expect(new Set(versions).size).toBe(4);
    const messages = all.map(({ message }) => message);
    // At each replica one waits for whoever has the lock, and the other for that one.
    expect(messages.filter((message) => message.includes("(a test)"))).toHaveLength(2);
    expect(
      messages.filter((message) => /another deploy of this environment \([0-9a-f]{12}, begun/.test(message)),
    ).toHaveLength(2);
  });

  test("a client that goes away while it waits leaves the others in peace", async () => {
    const lock = await lockOf(one.prod.id);
    const gone = new AbortController();
    const { following, message } = await queued(bodyOf(await uploaded("gone")), one.url, gone.signal);
    expect(message).toContain("a test");
    gone.abort();
    await expect(following.next()).rejects.toThrow();
    const next = await queued(bodyOf(await uploaded("next")), other.url);
    await lock.end();
    expect(last(await gathered(next.following))).toMatchObject({ type: "done" });
  });

  test("a platform that dies in the middle of a deploy blocks nobody", async () => {
    const lock = await lockOf(one.prod.id);
    const next = await queued(bodyOf(await uploaded("after a death")), other.url);
    // As the server sees a killed process: its connection is closed.
    (lock as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    expect(last(await gathered(next.following))).toMatchObject({ type: "done" });
  });

  /** Holds the deploy lock as another platform would. */
  async function lockOf(environmentId: number) {
    const holder = new Client({ connectionString: databaseUrl, application_name: "gantry deploy a test" });
    holder.on("error", () => undefined);
    await holder.connect();
    await holder.query("select pg_advisory_lock($1, $2)", [0x67_61_6e_64, environmentId]);
    return holder;
  }

  test("a version from an image that was pushed elsewhere is verified first", async () => {
    const { deployment } = last(await build(bodyOf(await uploaded("by hand")))) as Done;
    const digest = String(deployment.imageReference?.split("@")[1]);
    const register = (source: object) =>
      call("POST", "/api/v1/deployments", { key, body: { manifest: MANIFEST, source, promote: false } });
    expect((await register({ kind: "image", repository, digest })).status).toBe(201);
    const nowhere = { kind: "image", repository, digest: `sha256:${"0".repeat(64)}` };
    expect((await register(nowhere)).body.code).toBe("IMAGE_NOT_FOUND");
    expect((await register({ kind: "image", repository: "gantry/others-prod", digest })).body.code).toBe(
      "IMAGE_NOT_FOUND",
    );
  });

  test("people push where the settings say, with their own credentials where the registry cannot limit any", async () => {
    expect((await call("POST", DEPLOY_PATHS.pushAccess, { key })).body).toEqual({ registry: at.host, repository });
  });

  test("a key that only reads may not deploy", async () => {
    const { key: reader } = await one.platform.projects.createKey(one.prod, "read");
    const layer = await layerOf([{ name: "app/bundle/x" }]);
    const tried = await Promise.all([
      call("POST", DEPLOY_PATHS.missingLayers, { key: reader, body: { digests: [] } }),
      call("PUT", DEPLOY_PATHS.layer(layer.digest), { key: reader, body: layer.content }),
      call("POST", DEPLOY_PATHS.build, { key: reader, body: bodyOf(layer) }),
      call("POST", DEPLOY_PATHS.pushAccess, { key: reader }),
      call("POST", DEPLOY_PATHS.prune, { key: reader }),
    ]);
    expect(tried.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403]);
  });

  test("old images are removed unless a run, a later version or the current one needs them", async () => {
    const made: Done["deployment"][] = [];
    for (const text of ["p1", "p2", "p3", "p4", "p5"])
      made.push((last(await build(bodyOf(await uploaded(text)))) as Done).deployment);
    const [first, second, third, fourth, fifth] = made as [Deployment, Deployment, Deployment, Deployment, Deployment];
    // The second has a live run, the third's image is also the newest version's.
    await one.platform.engine.runs.trigger(one.prod, [
      {
        taskId: "import",
        payload: { data: Buffer.from("1"), type: "application/json" },
        version: second.version,
      } as never,
    ]);
    const digest = String(third.imageReference?.split("@")[1]);
    const again = { manifest: MANIFEST, source: { kind: "image", repository, digest }, promote: false };
    expect((await call("POST", "/api/v1/deployments", { key, body: again })).status).toBe(201);

    const { versions } = (await call("POST", DEPLOY_PATHS.prune, { key })).body as unknown as { versions: string[] };
    expect(versions).toContain(first.version);
    for (const kept of [second, third, fifth]) expect(versions).not.toContain(kept.version);
    expect(versions).toContain(fourth.version);
    const has = (version: Deployment) =>
      clientOf(at).hasManifest(repository, String(version.imageReference?.split("@")[1]));
    expect(await Promise.all([first, second, third, fourth, fifth].map(has))).toEqual([false, true, true, false, true]);
    expect((await call("POST", DEPLOY_PATHS.prune, { key })).body).toEqual({ versions: [] });

    const promoted = await call("POST", `/api/v1/deployments/${first.version}/promote`, { key });
    expect([promoted.status, promoted.body.code]).toEqual([409, "IMAGE_GONE"]);
    const triggered = await call("POST", "/api/v1/tasks/import/trigger", {
      key: one.key,
      body: { payload: "1", options: { version: first.version } },
    });
    expect([triggered.status, triggered.body.code]).toEqual([409, "IMAGE_GONE"]);
    expect((await call("POST", `/api/v1/deployments/${second.version}/promote`, { key })).status).toBe(200);
  });
});

type Deployment = Done["deployment"];
