import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll } from "vitest";
import { durableFixture } from "../../durability/support/durable-project.ts";
import type { Fixture } from "../../faults/support/fault-project.ts";
import { openStage, type Stage } from "../../faults/support/stage.ts";
import { launchChromium } from "./chromium.ts";

const SCREENSHOTS = join(import.meta.dirname, "../../../artifacts/screenshots");

export interface BrowserStageOptions {
  /** Default: fixtures/tasks.ts. */
  fixture?: Fixture;
  settings?: Record<string, string>;
  /** Without it the platform is a laptop's: nobody signs in. */
  signIn?: boolean;
}

export interface PageOptions extends BrowserContextOptions {
  /** Messages on the console that this test is about; any other error there fails the test. */
  mayComplain?: RegExp;
}

/** A platform with tasks deployed in `faults/prod`, and a browser to look at it with. */
export class BrowserStage {
  readonly here: Omit<Stage, "onEnd">;
  readonly browser: Browser;
  readonly complaints: string[] = [];

  constructor(here: Omit<Stage, "onEnd">, browser: Browser) {
    this.here = here;
    this.browser = browser;
  }

  /** Where the dashboard shows this page of the environment. */
  path(page: string): string {
    return `${this.here.platform.url}/projects/faults/prod/${page}`;
  }

  /** A page in a profile of its own, 1440 × 900 unless told. What it complains of fails the test. */
  async page({ mayComplain, ...options }: PageOptions = {}): Promise<Page> {
    const context = await this.browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(45_000);
    const complain = (text: string) => {
      if (!mayComplain?.test(text)) this.complaints.push(text);
    };
    page.on("pageerror", (error) => complain(`page error: ${error.message}`));
    page.on("console", (message) => {
      if (message.type() === "error") complain(`console: ${message.text()} (${message.location().url})`);
    });
    return page;
  }

  /** Kept in artifacts/screenshots, to be looked at. */
  async screenshot(page: Page, name: string): Promise<void> {
    await mkdir(SCREENSHOTS, { recursive: true });
    await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
  }
}

/** One for the tests of a file. Call it at the top; `get()` inside of tests. */
export function browserStage({ fixture, settings, signIn = false }: BrowserStageOptions = {}): { get(): BrowserStage } {
  const ends: (() => void | Promise<void>)[] = [];
  let shared: BrowserStage | undefined;
  beforeAll(async () => {
    const local = signIn ? {} : { DEV_PROJECT: "laptop" };
    const { onEnd, ...here } = await openStage(
      {
        fixture: fixture ?? durableFixture({}, join(import.meta.dirname, "../fixtures/tasks.ts")),
        settings: { HOST: "127.0.0.1", ...local, ...settings },
      },
      (end) => ends.push(end),
    );
    const browser = await launchChromium();
    onEnd(() => browser.close());
    shared = new BrowserStage(here, browser);
  }, 300_000);
  afterEach(async () => {
    const complaints = shared?.complaints.splice(0) ?? [];
    for (const context of shared?.browser.contexts() ?? []) {
      // A route that still waits for its answer would throw outside of any test.
      for (const page of context.pages()) await page.unrouteAll({ behavior: "ignoreErrors" });
      await context.close();
    }
    if (complaints.length > 0) throw new Error(`the browser complained:\n${complaints.join("\n")}`);
  });
  afterAll(async () => {
    for (const end of ends.reverse()) await end();
  });
  return {
    get() {
      if (!shared) throw new Error("the stage is there inside of tests only");
      return shared;
    },
  };
}
