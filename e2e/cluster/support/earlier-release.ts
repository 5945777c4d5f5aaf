import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { run } from "./shell.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const REGISTRY = "localhost:5000";

/** An earlier commit's chart, and its images under a tag of the local registry. */
export interface EarlierRelease {
  chart: string;
  tag: string;
  remove(): Promise<void>;
}

/**
 * The commit that e2e/cluster/upgrade-from names, built as its own checkout builds itself. Images that were pushed once are
 * found again. Errors: the commit is not in this clone's history.
 */
export async function earlierRelease(): Promise<EarlierRelease> {
  const commit = (await readFile(join(ROOT, "e2e/cluster/upgrade-from"), "utf8")).trim();
  const tag = `at-${commit.slice(0, 12)}`;
  const folder = await mkdtemp(join(tmpdir(), "gantry-earlier-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    await run("sh", ["-c", `git archive ${commit} | tar --extract --directory '${folder}'`], { cwd: ROOT });
    if (!(await isPushed(tag))) {
      await run("make", ["build"], { cwd: folder });
      await run("k8s/local/images.sh", ["worker", "platform"], { cwd: folder, env: { IMAGE_TAG: tag } });
    }
    return { chart: join(folder, "charts/gantry"), tag, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function isPushed(tag: string): Promise<boolean> {
  const replies = await Promise.all(
    ["worker", "platform"].map((name) => fetch(`http://${REGISTRY}/v2/gantry/${name}/tags/list`)),
  );
  const lists = (await Promise.all(replies.map((reply) => reply.json()))) as { tags?: string[] | null }[];
  return lists.every(({ tags }) => tags?.includes(tag) === true);
}
