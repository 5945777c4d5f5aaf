import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { bundleFixtures, fixtureProject } from "../../../sdk/test/support/bundle-fixtures.ts";
import { Project } from "./gantry-cli.ts";

const FIXTURE = resolve(import.meta.dirname, "../fixtures/stored");
/** Packages of this repository that its tasks use. */
const LINKS = ["pg", "ioredis"];

/** Deploys the tasks whose processes are stored, with sharp as npm installs it; returns the version. */
export async function deployStoredProject(env: Record<string, string>): Promise<string> {
  const work = await mkdtemp(join(tmpdir(), "gantry-stored-"));
  try {
    const withSharp = bundleFixtures().find(({ name }) => name.startsWith("sharp"));
    if (withSharp === undefined) throw new Error("there is no fixture that installs sharp");
    const { projectDir } = await fixtureProject({ ...withSharp, links: LINKS }, work);
    await rm(join(projectDir, "tasks"), { recursive: true });
    await cp(FIXTURE, projectDir, { recursive: true });
    return (await Project.at(projectDir, env).deploy()).version;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
