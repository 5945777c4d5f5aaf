import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import type { Page } from "playwright-core";

const APP = join(import.meta.dirname, "../fixtures/hooks-app");
const ROOT = join(import.meta.dirname, "../../..");
/** e2e/react-18 is a workspace: its React is installed where no other version is in the way. */
const REACT = { 18: join(ROOT, "e2e/node_modules"), 19: join(ROOT, "node_modules") } as const;
export type ReactMajor = keyof typeof REACT;

interface Rendered {
  reactVersion: string;
  render(search: string): string;
}

/** An app of a user's, rendered by a server and hydrated in the browser, in Strict Mode, with one version of React. */
export class HooksPage {
  readonly url: string;
  readonly reactVersion: string;
  readonly close: () => Promise<void>;

  static async serve(major: ReactMajor): Promise<HooksPage> {
    const folder = await mkdtemp(join(tmpdir(), "gantry-hooks-"));
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? "/", "http://localhost");
      if (url.pathname === "/client.js") {
        response.writeHead(200, { "content-type": "text/javascript" }).end(script);
      } else if (url.pathname === "/") {
        response.writeHead(200, { "content-type": "text/html" }).end(html(rendered.render(url.search)));
      } else response.writeHead(204).end();
    });
    const bundled = { bundle: true, format: "esm" as const, logLevel: "silent" as const, absWorkingDir: ROOT };
    const options = { ...bundled, alias: aliases(major), define: { "process.env.NODE_ENV": '"development"' } };
    const client = await build({ ...options, entryPoints: [join(APP, "client.tsx")], jsx: "automatic", write: false });
    const script = client.outputFiles[0]?.text ?? "";
    const outfile = join(folder, "server.mjs");
    const banner = {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    };
    const entryPoints = [join(APP, "server.tsx")];
    await build({ ...options, entryPoints, jsx: "automatic", platform: "node", outfile, banner });
    const rendered = (await import(pathToFileURL(outfile).href)) as Rendered;
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return new HooksPage(url, rendered.reactVersion, async () => {
      server.closeAllConnections();
      server.close();
      await rm(folder, { recursive: true, force: true });
    });
  }

  private constructor(url: string, reactVersion: string, close: () => Promise<void>) {
    this.url = url;
    this.reactVersion = reactVersion;
    this.close = close;
  }

  /** Where a view is shown. */
  at(props: { view: string; baseURL: string; id?: string; token?: string; stream?: string }): string {
    return `${this.url}/?${new URLSearchParams(props as Record<string, string>)}`;
  }
}

function aliases(major: ReactMajor): Record<string, string> {
  const names = ["react", "react-dom", "scheduler"];
  return Object.fromEntries(names.map((name) => [name, join(REACT[major], name)]));
}

function html(root: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>hooks</title><link rel="icon" href="data:,"></head>
<body><div id="root">${root}</div><script type="module" src="/client.js"></script></body></html>`;
}

/** What the page shows now. */
export async function shown<T>(page: Page): Promise<T> {
  return JSON.parse((await page.textContent("#state")) ?? "null") as T;
}

/** Waits until what is shown satisfies `isWanted`; returns it. Errors: it did not, with what was shown last. */
export async function untilShown<T>(page: Page, isWanted: (state: T) => boolean, withinMs = 45_000): Promise<T> {
  const end = Date.now() + withinMs;
  for (;;) {
    const state = await shown<T>(page);
    if (isWanted(state)) return state;
    if (Date.now() > end) throw new Error(`the page still shows ${JSON.stringify(state)}`);
    await page.waitForTimeout(20);
  }
}
