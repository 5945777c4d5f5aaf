import { createSigner, createVerifier } from "fast-jwt";
import type { MasterKey } from "../secrets/master-key.ts";
import type { BootstrapClaims, WorkerCredentials } from "./credentials.ts";

type WorkerClaims = Parameters<WorkerCredentials["issueWorkerToken"]>[0];
type RunClaims = Parameters<WorkerCredentials["issueRunToken"]>[0];

const CACHED_TOKENS = 5_000;

/**
 * Tokens as JWTs (HS256). The two kinds have keys of their own, so that neither is ever taken for the other. They carry no
 * expiry: a run may take weeks, and what its token may do ends with its execution, whose fence every write checks.
 */
export function createCredentials(master: MasterKey): WorkerCredentials {
  const worker = tokens<WorkerClaims>(master.deriveAll("worker-tokens"), "gantry:worker");
  const run = tokens<RunClaims>(master.deriveAll("run-tokens"), "gantry:run");
  const bootstrap = bootstrapTokens(master.deriveAll("bootstrap-tokens"));
  return {
    issueBootstrapToken: bootstrap.issue,
    verifyBootstrapToken: bootstrap.verify,
    issueWorkerToken: worker.issue,
    verifyWorkerToken: worker.verify,
    issueRunToken: run.issue,
    verifyRunToken: run.verify,
  };
}

/** The first signs; all are tried, while the master key is being rotated. */
type Keys = readonly [Buffer, ...Buffer[]];

/** Errors: the last key's, or that a token has expired, which only its own key can tell. */
function firstThatVerifies(verifiers: ((token: string) => unknown)[]) {
  return (token: string): unknown => {
    let failure: unknown;
    for (const verify of verifiers) {
      try {
        return verify(token);
      } catch (error) {
        failure = error;
        if ((error as { code?: string }).code === "FAST_JWT_EXPIRED") break;
      }
    }
    throw failure;
  };
}

/** These alone expire: they stand in a Job's spec, which others may read. */
function bootstrapTokens(keys: Keys) {
  const audience = "gantry:bootstrap";
  const sign = createSigner({ key: keys[0], algorithm: "HS256", aud: audience });
  const verify = firstThatVerifies(
    keys.map((key) => createVerifier({ key, algorithms: ["HS256"], allowedAud: audience, requiredClaims: ["exp"] })),
  );
  return {
    issue: ({ expiresAt, ...claims }: BootstrapClaims & { expiresAt: Date }): string =>
      sign({ ...claims, exp: Math.ceil(expiresAt.getTime() / 1000) }),
    verify: (token: string): BootstrapClaims | "expired" | undefined => {
      try {
        const { executionId, environmentId, deploymentId } = verify(token) as BootstrapClaims;
        return { executionId, environmentId, deploymentId };
      } catch (error) {
        return (error as { code?: string }).code === "FAST_JWT_EXPIRED" ? "expired" : undefined;
      }
    },
  };
}

function tokens<Claims extends object>(keys: Keys, audience: string) {
  const sign = createSigner({ key: keys[0], algorithm: "HS256", aud: audience });
  const verify = firstThatVerifies(
    keys.map((key) => createVerifier({ key, algorithms: ["HS256"], allowedAud: audience, cache: CACHED_TOKENS })),
  );
  return {
    issue: (claims: Claims): string => sign({ ...claims }),
    /** Undefined where the token is not ours, not of this kind, or no token at all. */
    verify: (token: string): Claims | undefined => {
      try {
        const { iat: _issuedAt, aud: _audience, ...claims } = verify(token) as Claims & { iat: number; aud: string };
        return claims as unknown as Claims;
      } catch {
        return undefined;
      }
    },
  };
}
