import { join } from "node:path";
import { Client } from "pg";
import { launchChromium } from "../../../e2e/browser/support/chromium.ts";
import { manyRuns } from "../../../e2e/browser/support/many-runs.ts";
import type { Bench } from "../bench.ts";
import { BarePlatform } from "../gantry/bare-platform.ts";
import { median } from "../measure.ts";
import type { Row } from "../row.ts";

type Browser = Awaited<ReturnType<typeof launchChromium>>;

const PROJECT_DIR = join(import.meta.dirname, "../../project");
const RUNS = 50_000;
const THROTTLE = 4;

/** From the address to rows that answer to a click: the first visit on a slow machine, and the list on this one. */
export const dashboardOpens: Row = {
  id: "dashboard",
  what: "dashboard: the list of 50,000 runs opens / first visit with a CPU four times slower",
  goal: "≤ 1 s / ≤ 1.5 s",
  async measure(bench) {
    const databaseUrl = await bench.database("dashboard");
    const platform = await BarePlatform.start(databaseUrl, PROJECT_DIR);
    const browser = await launchChromium();
    try {
      await fill(bench, databaseUrl, await platform.environmentId());
      return await measured(bench, browser, `${platform.url}/projects/bench/dev/runs`);
    } finally {
      await browser.close();
      await platform.stop();
    }
  },
};

async function measured(bench: Bench, browser: Browser, url: string) {
  const rounds = Math.max(3, bench.effort.rounds);
  const [lists, visits]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    lists.push(await opened(browser, url, { throttle: 1, isWarm: true }));
    visits.push(await opened(browser, url, { throttle: THROTTLE, isWarm: false }));
  }
  const [list, visit] = [median(lists), median(visits)];
  return {
    figures: [{ system: "Gantry", value: list, rounds: [...lists, ...visits] }],
    unit: "ms",
    isMet: list <= 1_000 && visit <= 1_500,
    verdict: `${list.toFixed(0)} ms, ${visit.toFixed(0)} ms`,
    notes: [
      `From the navigation to the first row that is painted and a main thread at rest; medians of ${rounds}. The list is opened with its files in the browser's cache, the first visit with an empty one.`,
      "Headless Chromium without a GPU shares the machine's cores with the platform and Postgres.",
    ],
  };
}

/** Milliseconds by the page's own clock. */
async function opened(browser: Browser, url: string, { throttle, isWarm }: { throttle: number; isWarm: boolean }) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  try {
    const page = await context.newPage();
    if (isWarm) {
      await page.goto(url);
      await page.locator("[data-row]").first().waitFor();
    }
    const session = await context.newCDPSession(page);
    await session.send("Emulation.setCPUThrottlingRate", { rate: throttle });
    await page.goto(url, { waitUntil: "commit" });
    return await page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          const look = () => {
            if (document.querySelector("[data-row]") === null) return requestAnimationFrame(look);
            // Painted, and nothing more urgent waits.
            return requestAnimationFrame(() => requestIdleCallback(() => resolve(performance.now())));
          };
          look();
        }),
    );
  } finally {
    await context.close();
  }
}

async function fill(bench: Bench, databaseUrl: string, environmentId: number): Promise<void> {
  bench.log(`dashboard: ${RUNS} runs are put into the database`);
  const client = new Client({ connectionString: databaseUrl, options: "-c search_path=gantry" });
  await client.connect();
  for (const statement of manyRuns({ environmentId, count: RUNS })) await client.query(statement);
  await client.query("vacuum analyze run_history");
  await client.end();
}
