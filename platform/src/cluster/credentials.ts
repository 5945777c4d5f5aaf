/** Whom a bootstrap token was made for: a pod that is to run one execution. */
export interface BootstrapClaims {
  executionId: string;
  environmentId: number;
  deploymentId: string;
}

/** Tokens the platform signs for workers and for the SDK inside a run. */
export interface WorkerCredentials {
  /** Stands in a Job's spec: good until `expiresAt`, for one exchange (worker-start.ts in the contract). */
  issueBootstrapToken(worker: BootstrapClaims & { expiresAt: Date }): string;
  verifyBootstrapToken(token: string): BootstrapClaims | "expired" | undefined;
  /** A token with which one worker may connect, for one deployment. */
  issueWorkerToken(worker: {
    workerId: string;
    environmentId: number;
    deploymentId: string;
    executionId?: string;
  }): string;
  verifyWorkerToken(
    token: string,
  ): { workerId: string; environmentId: number; deploymentId: string; executionId?: string } | undefined;
  issueRunToken(run: { environmentId: number; runId: string; executionId: string; fence: string }): string;
  verifyRunToken(
    token: string,
  ): { environmentId: number; runId: string; executionId: string; fence: string } | undefined;
}
