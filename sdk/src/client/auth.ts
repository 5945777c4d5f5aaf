import { ApiClient } from "./api-client.ts";
import { configure, withAuth } from "./configuration.ts";
import { requestPublicToken, type TokenExpiration, type TokenPermissions, toScopes } from "./public-token.ts";

export interface CreatePublicTokenOptions {
  scopes: TokenPermissions;
  /** A duration such as `"1h"`, a Date, or seconds since the epoch. Default 15 minutes. */
  expirationTime?: TokenExpiration | undefined;
}

export interface CreateTriggerTokenOptions {
  expirationTime?: TokenExpiration | undefined;
  /** Whether the token works more than once. Default false. */
  multipleUse?: boolean | undefined;
}

/** A token for a browser that may read (or write) the things named, nothing else. */
async function createPublicToken(options: CreatePublicTokenOptions): Promise<string> {
  return requestPublicToken(ApiClient.forCall(), {
    scopes: toScopes(options.scopes),
    expirationTime: options.expirationTime,
  });
}

/** A token that may trigger one of the tasks, once by default. */
async function createTriggerPublicToken(
  task: string | string[],
  options: CreateTriggerTokenOptions = {},
): Promise<string> {
  return requestPublicToken(ApiClient.forCall(), {
    scopes: toScopes({ trigger: { tasks: task } }),
    expirationTime: options.expirationTime,
    oneTimeUse: !(options.multipleUse ?? false),
  });
}

/** A token that may trigger a batch of the tasks, once by default. */
async function createBatchTriggerPublicToken(
  task: string | string[],
  options: CreateTriggerTokenOptions = {},
): Promise<string> {
  return requestPublicToken(ApiClient.forCall(), {
    scopes: toScopes({ batchTrigger: { tasks: task } }),
    expirationTime: options.expirationTime,
    oneTimeUse: !(options.multipleUse ?? false),
  });
}

/** Makes a token and runs `fn` with it, as a browser that got it would. */
async function withPublicToken<R>(options: CreatePublicTokenOptions, fn: () => Promise<R>): Promise<R> {
  return withAuth({ accessToken: await createPublicToken(options) }, fn);
}

async function withTriggerPublicToken<R>(
  task: string | string[],
  options: CreateTriggerTokenOptions = {},
  fn: () => Promise<R>,
): Promise<R> {
  return withAuth({ accessToken: await createTriggerPublicToken(task, options) }, fn);
}

async function withBatchTriggerPublicToken<R>(
  task: string | string[],
  options: CreateTriggerTokenOptions = {},
  fn: () => Promise<R>,
): Promise<R> {
  return withAuth({ accessToken: await createBatchTriggerPublicToken(task, options) }, fn);
}

export const auth = {
  configure,
  withAuth,
  createPublicToken,
  createTriggerPublicToken,
  createBatchTriggerPublicToken,
  withPublicToken,
  withTriggerPublicToken,
  withBatchTriggerPublicToken,
};
