import type { DeployService } from "../deployments/deploy-service.ts";
import { AppError } from "../errors.ts";
import type { ProjectService } from "../projects/project-service.ts";
import type { Loop } from "./loop.ts";

/** Removes images of old versions, environment by environment; one that is deployed to just now has its turn in an hour. */
export function imageCleanupLoop(deps: { deploys: Pick<DeployService, "prune">; projects: ProjectService }): Loop {
  return {
    name: "image-cleanup",
    everyMs: 3600_000,
    leaderOnly: true,
    async tick() {
      const errors: unknown[] = [];
      for (const environment of await deps.projects.environments()) {
        await deps.deploys.prune(environment).catch((error: unknown) => {
          if (!(error instanceof AppError && error.code === "DEPLOY_IN_PROGRESS")) errors.push(error);
        });
      }
      if (errors.length > 0) throw new AggregateError(errors, "images of old versions could not be removed");
    },
  };
}
