import type { Logger } from "pino";
import type { Registry } from "prom-client";
import type { z } from "zod";
import type { Accounts } from "../accounts/accounts.ts";
import type { CheckpointService } from "../checkpoints/checkpoint-service.ts";
import type { Clock } from "../clock.ts";
import type { ClusterService } from "../cluster/cluster-service.ts";
import type { WorkerCredentials } from "../cluster/credentials.ts";
import type { StartExchange } from "../cluster/start-exchange.ts";
import type { BuildStore } from "../deployments/build-store.ts";
import type { DeployService } from "../deployments/deploy-service.ts";
import type { DeploymentService } from "../deployments/deployment-service.ts";
import type { InsightsService } from "../insights/insights.ts";
import type { JournalService } from "../journal/journal-service.ts";
import type { ProjectService } from "../projects/project-service.ts";
import type { VariablesService } from "../projects/variables-service.ts";
import type { QueueService } from "../queues/queue-service.ts";
import type { BulkActionService } from "../runs/bulk-actions.ts";
import type { RunService } from "../runs/run-service.ts";
import type { ScheduleService } from "../schedules/schedule-service.ts";
import type { StreamService } from "../streams/stream-service.ts";
import type { WaitpointService } from "../waitpoints/waitpoint-service.ts";

/** Everything the HTTP edge stands on; made once, in main.ts. */
export interface HttpDeps {
  runs: RunService;
  waitpoints: WaitpointService;
  streams: StreamService;
  journals: JournalService;
  insights: InsightsService;
  bulkActions: BulkActionService;
  cluster: ClusterService;
  queues: QueueService;
  schedules: ScheduleService;
  deployments: DeploymentService;
  deploys: DeployService;
  builds: Pick<BuildStore, "list" | "retrieve" | "lines">;
  projects: ProjectService;
  accounts: Accounts;
  variables: VariablesService;
  credentials: Pick<WorkerCredentials, "verifyRunToken" | "verifyWorkerToken">;
  startExchange: StartExchange;
  checkpoints: CheckpointService;
  /** Resolves where the database answers, rejects where it does not: readiness. */
  pingStore: () => Promise<void>;
  /** Why runs cannot start on the cluster, in words for the operator; undefined where they can. Left out: no cluster. */
  clusterProblem?: (() => string | undefined) | undefined;
  logger: Pick<Logger, "debug" | "info" | "warn" | "error">;
  clock: Clock;
  /** The engine adds its metrics to the same registry. */
  metrics: Registry;
  config: HttpConfig;
  /** Tells of environments whose limits another replica has changed. */
  onChange?: (listener: (environmentId: number) => void) => void;
  /** Sees every JSON answer beside the schema that describes it; tests throw where they differ. */
  inspectReply?: (schema: z.ZodType, answer: unknown) => void;
}

export interface HttpConfig {
  /**
   * With the first the platform signs public tokens, packet and callback URLs; those that all of them signed are accepted. At least
   * 32 bytes each, the same on every replica.
   */
  tokenSecrets: readonly [string | Buffer, ...(string | Buffer)[]];
  /** Where clients reach the platform; without it, signed URLs use the host that the request named. */
  publicUrl?: string;
  /** Version of the platform, for whoami and the OpenAPI document. */
  version: string;
  /** False in a process that only schedules: it answers for its health and metrics alone. Default true. */
  servesApi?: boolean;
  /** Where the built dashboard lies; without it there is none. */
  dashboardDirectory?: string;
  /** Names of machine presets beyond Gantry's own. */
  extraMachines?: readonly string[];
  /** Proxies in front that append to X-Forwarded-For. Default 0. */
  proxyHops?: number;
  /** How long a browser keeps the session's cookie; milliseconds. */
  sessionMaxMs?: number;
  /** Requests to /metrics must bring this as a bearer token, where it is set. */
  metricsToken?: string;
}
