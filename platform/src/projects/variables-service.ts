import type { EnvironmentRef } from "./principal.ts";

export interface Variable {
  name: string;
  value: string;
  /** A secret's value is never shown again; only workers get it. */
  isSecret: boolean;
  updatedAt: Date;
}

export interface NewVariable {
  name: string;
  value: string;
  /** Undefined keeps what the variable was; a new one is no secret then. */
  isSecret?: boolean | undefined;
}

/**
 * An environment's variables, encrypted at rest (AES-256-GCM; bound to environment and name). Names match
 * /^[A-Za-z_][A-Za-z0-9_]*$/ and begin neither with GANTRY_PLATFORM_ nor with GANTRY_WORKER_; a value has 64 KB at most and
 * all of an environment's together 512 KB. Errors: VALIDATION_FAILED, VARIABLE_EXISTS, VARIABLE_NOT_FOUND.
 */
export interface VariablesService {
  /** By name. */
  list(environment: EnvironmentRef): Promise<Variable[]>;
  retrieve(environment: EnvironmentRef, name: string): Promise<Variable | undefined>;
  /** All or none; `override` replaces what is there, else VARIABLE_EXISTS names what is. */
  upload(environment: EnvironmentRef, variables: NewVariable[], override: boolean): Promise<void>;
  remove(environment: EnvironmentRef, name: string): Promise<boolean>;
  /** What a worker gets. Read on each start, so that the next run has what was set before it. */
  resolve(environmentId: number): Promise<Record<string, string>>;
}
