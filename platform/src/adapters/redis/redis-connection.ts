import { Redis } from "ioredis";

const SLOWEST_RECONNECT_MS = 2_000;

/**
 * A connection that comes back for ever and never makes anybody wait: a command is refused at once while Redis is away.
 * Errors of the connection go to `onError`; without a listener they would end the process.
 */
export function connectRedis(url: string, onError: (error: unknown) => void): Redis {
  const redis = new Redis(url, {
    connectionName: "gantry",
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 5_000,
    commandTimeout: 2_000,
    keepAlive: 5_000,
    retryStrategy: (times) => Math.min(SLOWEST_RECONNECT_MS, times * 100),
    autoResubscribe: false,
  });
  redis.on("error", onError);
  return redis;
}
