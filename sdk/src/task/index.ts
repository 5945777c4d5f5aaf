/** `@gantry/sdk/task`: what a worker, the CLI and the tests need to index and execute tasks. Node only. */
export * from "./authoring.ts";
export { type Catalogue, catalogue, importTaskFile, type RegisteredTask } from "./catalogue.ts";
export { DeclarationError, describeCatalogue } from "./describe-catalogue.ts";
export { executeTask, interruptTask } from "./execute-task.ts";
export type { ExecuteTask, JournalHost, TaskHost, TaskOutcome } from "./host.ts";
export { setLogLevel } from "./log-level.ts";
export { currentRegion, inOwnRegion, inRegion, type Region } from "./region.ts";
export { currentScope } from "./run-scope.ts";
