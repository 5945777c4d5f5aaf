export * from "./api/index.ts";
export * from "./limits.ts";
export * from "./machine-presets.ts";
export * from "./manifest.ts";
export * from "./retry.ts";
export * from "./run-status.ts";
export * from "./wire-error.ts";
export * from "./worker-protocol.ts";
