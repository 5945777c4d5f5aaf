import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "./paths.mjs";

const execute = promisify(execFile);

/** Node's own resolution and bundlers'; `node10` knows no exports map, and no runtime that Gantry supports uses it. */
const ATTW_RULES = ["--profile", "node16"];

/** Errors: what publint or attw find wrong with a tarball. ES-module-only entries are meant to be so. */
export async function checkPackage(tarball, { hasTypes }) {
  await tool("publint", ["src", "cli.js"], ["run", tarball, "--strict", "--pack", "false"]);
  if (hasTypes)
    await tool(
      "@arethetypeswrong/cli",
      ["dist", "index.js"],
      [tarball, ...ATTW_RULES, "--ignore-rules", "cjs-resolves-to-esm"],
    );
}

async function tool(name, path, args) {
  await execute(process.execPath, [join(ROOT, "node_modules", name, ...path), ...args], { cwd: ROOT }).catch(
    (error) => {
      throw new Error(`${name} ${args.join(" ")}\n${error.stdout}${error.stderr}`);
    },
  );
}
