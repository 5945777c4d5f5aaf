import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { withLock } from "./build/lock.mjs";

const execute = promisify(execFile);

/**
 * Installs a package of Debian's, one at a time among all processes of this machine; as root on Debian. None of its services is
 * started. `isThere` is asked first, and again when it is this process's turn. Errors: what was not there is still not there.
 */
export async function ensureDebianPackage(name, isThere) {
  if (await isThere()) return;
  await withLock(join(tmpdir(), "gantry-apt.lock"), async () => {
    if (await isThere()) return;
    // In runlevel 1 nothing is started that is installed.
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
    const options = ["-qq", "-o", "DPkg::Lock::Timeout=120"];
    try {
      await execute("apt-get", [...options, "update"], { env });
      await execute("apt-get", [...options, "install", "-y", "--no-install-recommends", name], { env, maxBuffer: 1e8 });
    } catch (cause) {
      throw new Error(`Tests need ${name}, and it could not be installed: do so, as root.`, { cause });
    }
    if (!(await isThere())) throw new Error(`apt-get installed ${name}, but it is not where it is looked for.`);
  });
}
