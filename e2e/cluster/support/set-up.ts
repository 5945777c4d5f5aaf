import { tmpdir } from "node:os";
import type { TestProject } from "vitest/node";
import { kubeTools } from "../../../.make/kube-tools.mjs";
import { type Credentials, Installation, STORES_PROCESSES, using } from "./installation.ts";
import { deployStoredProject } from "./stored-project.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** With the tasks of fixtures/yard. */
    gantry: Credentials;
    /** The same installation, with those of fixtures/stored: their processes are stored while they wait. */
    stored: Credentials;
  }
}

/** Installs Gantry by Helm from nothing, as the release `gantry`, and deploys the projects whose tasks the tests run. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  if (process.env.KUBECONFIG === undefined) {
    throw new Error("These tests need a cluster: make cluster-up, then export the KUBECONFIG that it prints.");
  }
  process.env.PATH = `${kubeTools()}:${process.env.PATH}`;
  // Helm's own files are none of the machine's.
  process.env.HELM_CACHE_HOME ??= `${tmpdir()}/gantry-helm`;
  const installation = new Installation("gantry", "gantry-e2e");
  await installation.uninstall();
  await installation.helm(STORES_PROCESSES);
  const gantry = await installation.bootstrap("yard");
  const yard = await using(gantry).project("e2e/cluster/fixtures/yard");
  await yard.deploy();
  await yard.remove();
  project.provide("gantry", gantry);
  const stored = await installation.bootstrap("stored");
  await deployStoredProject({ GANTRY_API_URL: stored.url, GANTRY_ACCESS_TOKEN: stored.accessToken });
  project.provide("stored", stored);
  return async () => {
    if (process.env.GANTRY_E2E_KEEP === undefined) await installation.uninstall();
  };
}
