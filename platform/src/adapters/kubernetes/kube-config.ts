import { KubeConfig } from "@kubernetes/client-node";
import { KubeError } from "./kube-error.ts";

/**
 * How to reach the cluster: the file that is named, else `KUBECONFIG`, `~/.kube/config`, or the pod's service account.
 *
 * Errors: KubeError with status 0 that names the file and what is wrong with it.
 */
export function loadKubeConfig(file: string | undefined): KubeConfig {
  const config = new KubeConfig();
  const from = file === undefined ? "the default kubeconfig" : `the kubeconfig ${file}`;
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
  } catch (error) {
    throw new KubeError(0, "", `${capital(from)} cannot be read: ${(error as Error).message}`);
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    const context = config.getCurrentContext();
    throw new KubeError(
      0,
      "",
      `${capital(from)} has no cluster for its current context${context ? ` "${context}"` : ""}.`,
    );
  }
  // What the library assumes where it finds nothing at all.
  if (file === undefined && cluster.server === "http://localhost:8080") {
    const message =
      "No cluster is configured: there is neither a service account's token nor KUBECONFIG nor ~/.kube/config. Set GANTRY_PLATFORM_KUBERNETES_KUBECONFIG.";
    throw new KubeError(0, "", message);
  }
  return config;
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
