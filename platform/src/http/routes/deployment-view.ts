import type { Deployment, DeploymentDetail } from "@gantry/sdk/contract";
import type { DeploymentInfo } from "../../deployments/deployment-service.ts";

export function deploymentView(deployment: DeploymentInfo): Deployment {
  const [runtime, runtimeVersion] = deployment.manifest.runtime.split("@");
  return {
    id: deployment.id,
    createdAt: deployment.createdAt.toISOString(),
    shortCode: deployment.version,
    version: deployment.version,
    runtime: runtime ?? null,
    runtimeVersion: runtimeVersion ?? null,
    status: deployment.status,
    deployedAt: deployment.promotedAt?.toISOString(),
    isCurrent: deployment.isCurrent,
  };
}

/** The source is not in it: where the code lies on the platform's machine is nobody's business. */
export function deploymentDetail(deployment: DeploymentInfo): DeploymentDetail {
  const { manifest, source } = deployment;
  return {
    ...deploymentView(deployment),
    contentHash: deployment.contentHash ?? deployment.id,
    imagePlatform: "",
    imageReference: source.kind === "image" ? `${source.repository}@${source.digest}` : null,
    worker: {
      id: deployment.id,
      version: deployment.version,
      tasks: manifest.tasks.map((declaration) => ({
        id: declaration.id,
        slug: declaration.id,
        filePath: declaration.filePath,
        ...(declaration.exportName === undefined ? {} : { exportName: declaration.exportName }),
        declaration,
      })),
    },
    queues: manifest.queues.map(({ name }) => name),
  };
}
