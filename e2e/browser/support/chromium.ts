import { execFile } from "node:child_process";
import { access } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Browser, chromium } from "playwright-core";
import { withLock } from "../../../.make/build/lock.mjs";

const execute = promisify(execFile);
const PLACES = [
  process.env.GANTRY_CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome-stable",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
].filter((place) => place !== undefined);

/** Nothing of it asks the network for anything but the page under test. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A headless Chromium of this machine; Debian's is installed where there is none and this is root. Errors: neither. */
export async function launchChromium(): Promise<Browser> {
  const executablePath =
    (await installed()) ??
    (await withLock(join(tmpdir(), "gantry-chromium.lock"), async () => (await installed()) ?? install()));
  return chromium.launch({ executablePath, headless: true, args: FLAGS });
}

async function installed(): Promise<string | undefined> {
  for (const place of PLACES) {
    const isThere = await access(place).then(
      () => true,
      () => false,
    );
    if (isThere) return place;
  }
  return undefined;
}

async function install(): Promise<string> {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  try {
    await execute("apt-get", ["update", "-qq"], { env });
    await execute("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "chromium"], { env, maxBuffer: 1e8 });
  } catch (cause) {
    throw new Error("Browser tests need Chromium: install it, or name it in GANTRY_CHROMIUM.", { cause });
  }
  const found = await installed();
  if (found === undefined) throw new Error("apt-get installed no Chromium");
  return found;
}
