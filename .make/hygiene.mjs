// Fails where a tracked file holds what must not leave this machine, or reads the environment where it may not.
import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT } from "./paths.mjs";

const MAX_BYTES = 2 * 1024 * 1024;
const TEST = /\.test(-d)?\.(ts|mjs)$|\/test\/|\/fixtures\//;

/** What to look for, where, and why it is wrong. */
export const RULES = [
  {
    name: "registry host",
    pattern: /registry\.npmjs\.org|registry\.yarnpkg\.com|npm\.pkg\.github\.com/,
    why: "installs use the registry that the machine is set to",
  },
  {
    name: "machine path",
    pattern: /\/root\/[\w.]|\/work\/[\w.]+\/|\/home\/(?!ada|node)[\w-]+\/|\/Users\/(?!ada)[\w-]+\//,
    why: "paths of one machine mean nothing on another",
  },
  { name: "private key", pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----/, why: "secrets do not belong in a repository" },
  {
    name: "cloud credential",
    pattern: /\bAKIA[0-9A-Z]{16}\b|\bghp_[0-9A-Za-z]{36}\b|\bnpm_[0-9A-Za-z]{36}\b/,
    why: "secrets do not belong in a repository",
  },
  {
    name: "API key",
    pattern: /\b(gt|tr)_[a-z0-9-]+_sk_[0-9A-Za-z]{24}\b/,
    why: "write gt_dev_sk_… in docs",
    skip: TEST,
  },
  {
    name: "process.env outside config.ts",
    pattern: /\bprocess\.env\b/,
    why: "settings are read in config.ts and handed over",
    only: /^platform\/src\//,
    skip: new RegExp(`${TEST.source}|^platform/src/(config|host-variables)\\.ts$`),
  },
];

/** Each finding as `file:line name: why`. */
export function findings(file, text) {
  const rules = RULES.filter(({ only, skip }) => (!only || only.test(file)) && !skip?.test(file));
  return text
    .split("\n")
    .flatMap((line, index) =>
      rules.filter(({ pattern }) => pattern.test(line)).map(({ name, why }) => `${file}:${index + 1} ${name}: ${why}`),
    );
}

function main() {
  const files = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: ROOT,
    encoding: "utf8",
  }).split("\0");
  const own = /^\.make\/hygiene(\.test)?\.mjs$/;
  const texts = files.filter(
    (file) =>
      file && !own.test(file) && (statSync(join(ROOT, file), { throwIfNoEntry: false })?.size ?? MAX_BYTES) < MAX_BYTES,
  );
  const found = texts.flatMap((file) => findings(file, readFileSync(join(ROOT, file), "utf8")));
  for (const finding of found) console.error(finding);
  if (found.length > 0) process.exitCode = 1;
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) main();
