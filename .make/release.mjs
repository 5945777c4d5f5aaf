// Builds the packages afresh, checks them as their users would see them, and packs them into artifacts/.
import { execFileSync } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { checkPackage } from "./check-package.mjs";
import { packAll } from "./pack.mjs";
import { ROOT } from "./paths.mjs";

const target = join(ROOT, "artifacts");
await rm(target, { recursive: true, force: true });
execFileSync(process.execPath, [join(ROOT, ".make", "build.mjs"), "--clean"], { stdio: "inherit" });
for (const { name, path, files } of await packAll(target)) {
  await checkPackage(path, { hasTypes: name === "@gantry/sdk" });
  console.log(`${name}: ${path} (${files.length} files)`);
}
