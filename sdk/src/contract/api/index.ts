/** The REST API's requests and replies, as zod schemas. The OpenAPI document is generated from them. */
export * from "./accounts.ts";
export * from "./batches.ts";
export * from "./builds.ts";
export * from "./deploy-paths.ts";
export * from "./deployments.ts";
export * from "./journal.ts";
export * from "./packets.ts";
export * from "./queues.ts";
export * from "./runs.ts";
export * from "./scalars.ts";
export * from "./schedules.ts";
export * from "./streams.ts";
export * from "./system.ts";
export * from "./tokens.ts";
export * from "./trigger.ts";
export * from "./variables.ts";
export * from "./waitpoints.ts";
