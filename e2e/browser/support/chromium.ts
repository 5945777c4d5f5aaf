import { access } from "node:fs/promises";
import { type Browser, chromium } from "playwright-core";
import { ensureDebianPackage } from "../../../.make/debian-package.mjs";

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
  await ensureDebianPackage("chromium", async () => (await installed()) !== undefined);
  return chromium.launch({ executablePath: (await installed()) as string, headless: true, args: FLAGS });
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
