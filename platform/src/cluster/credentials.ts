/** Tokens the platform signs for workers and for the SDK inside a run. */
export interface WorkerCredentials {
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
