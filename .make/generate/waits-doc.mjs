import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CHECKPOINT_REASONS } from "../../sdk/src/contract/checkpoint-policy.ts";
import { DEFAULT_LIMITS } from "../../sdk/src/contract/limits.ts";
import { ROOT } from "../paths.mjs";
import { table } from "./markdown-table.mjs";

const MB = 2 ** 20;
const LIMITS = {
  journalEntries: ["calls in a run's journal", String],
  journalValueBytes: ["one value", (bytes) => `${bytes / MB} MB`],
  journalBytes: ["a run's whole journal", (bytes) => `${bytes / MB} MB`],
  treeDepth: ["depth of a tree of runs", String],
  openChildrenPerRun: ["children of one run that have not ended", String],
  maxHeld: ["processes held for waiting runs in one environment", (n) => (n < 0 ? "its concurrency limit" : String(n))],
  checkpointBytes: ["the stored process of one run; a larger one is held", (bytes) => `${bytes / MB} MB`],
  environmentCheckpointBytes: ["all stored processes of one environment", (bytes) => `${bytes / 2 ** 30} GB`],
};

/** The page is written by hand; its tables come from the code. */
export async function waitsDoc() {
  const page = await readFile(join(ROOT, "docs", "waits.md"), "utf8");
  const reasons = Object.entries(CHECKPOINT_REASONS).map(([reason, meaning]) => [`\`${reason}\``, meaning]);
  const limits = Object.entries(LIMITS).map(([name, [what, show]]) => [
    `\`${name}\``,
    what,
    show(DEFAULT_LIMITS[name]),
  ]);
  return fill(
    fill(page, "reasons", table(["reason", "what it means"], reasons)),
    "limits",
    table(["limit", "of what", "default"], limits),
  );
}

/** Replaces what stands between `<!-- name: … -->` and `<!-- end -->`. */
function fill(page, name, text) {
  const place = new RegExp(`(<!-- ${name}:[^>]*-->\n)[\\s\\S]*?(<!-- end -->)`);
  if (!place.test(page)) throw new Error(`docs/waits.md has no place for ${name}`);
  return page.replace(place, (_all, start, end) => `${start}\n${text}\n\n${end}`);
}
