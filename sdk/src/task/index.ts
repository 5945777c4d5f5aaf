export { type Catalogue, catalogue, importTaskFile, type RegisteredTask } from "./catalogue.ts";
export type { TaskContext } from "./context.ts";
export { schemaTask, type Task, task } from "./define-task.ts";
export { DeclarationError, describeCatalogue } from "./describe-catalogue.ts";
export { executeTask } from "./execute-task.ts";
export type { ExecuteTask, TaskHost, TaskOutcome } from "./host.ts";
export { queue } from "./queue.ts";
