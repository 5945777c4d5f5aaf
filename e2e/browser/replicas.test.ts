import { randomUUID } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PlatformProcess } from "../faults/support/platform-process.ts";
import { browserStage } from "./support/browser-stage.ts";
import { CuttableProxy } from "./support/cuttable-proxy.ts";
import { HooksPage, untilShown } from "./support/hooks-page.ts";

const { get } = browserStage();
const ends: (() => Promise<void>)[] = [];
let hooks: HooksPage;
let second: PlatformProcess;
let proxy: CuttableProxy;

/** Sockets that a platform has now. */
async function socketsAt(url: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^gantry_realtime_sockets (\d+)/m.exec(metrics)?.[1] ?? 0);
}

beforeAll(async () => {
  const { platform, project, pool } = get().here;
  const folder = join(project.folder, "second");
  await mkdir(folder);
  second = await PlatformProcess.start({
    databaseUrl: String(pool.options.connectionString),
    project: { folder, effectsDir: project.effectsDir },
    settings: { HOST: "127.0.0.1", ENCRYPTION_KEY: platform.encryptionKey },
  });
  ends.push(() => second.remove());
  proxy = await CuttableProxy.to(platform.url, second.url);
  ends.push(() => proxy.close());
  hooks = await HooksPage.serve(19);
  ends.push(() => hooks.close());
}, 120_000);
afterAll(async () => {
  for (const end of ends.reverse()) await end();
});

test("two replicas behind a proxy: whichever has the page's socket, it shows what the run's worker says to one of them", async () => {
  const { api, platform, project } = get().here;
  const [first, last] = [`gate-${randomUUID()}`, `gate-${randomUUID()}`];
  const id = await api.trigger("progress", { gates: [first, last] });
  const body = { scopes: [`read:runs:${id}`], expirationTime: "10m" };
  const { token } = await api.call<{ token: string }>("POST", "/api/v1/auth/public-tokens", body);
  const pages = [];
  // The proxy sends connections to the two in turn, whatever they are for: some pages, and each has a socket.
  while (pages.length < 8 && ((await socketsAt(platform.url)) === 0 || (await socketsAt(second.url)) === 0)) {
    const page = await get().page();
    await page.goto(hooks.at({ view: "run", baseURL: proxy.url, id, token }));
    await untilShown<Shown>(page, ({ run, connection }) => connection === "live" && run?.metadata?.percent === 0);
    pages.push(page);
  }
  expect(await socketsAt(platform.url)).toBeGreaterThan(0);
  expect(await socketsAt(second.url)).toBeGreaterThan(0);
  await writeFile(join(project.effectsDir, first), "");
  for (const page of pages) await untilShown<Shown>(page, ({ run }) => run?.metadata?.percent === 50);
  await writeFile(join(project.effectsDir, last), "");
  for (const page of pages) await untilShown<Shown>(page, ({ run }) => run?.status === "COMPLETED");
}, 150_000);

interface Shown {
  run?: { status: string; metadata?: Record<string, unknown> };
  connection: string;
}
