/** `@gantry/sdk/testing`: run a task in a unit test. */
export { type RunTaskOptions, type RunTaskResult, runTask } from "./run-task.ts";
export type { OnWait, TestAnswer, TestTokenWait, TestWait } from "./test-answers.ts";
export type { OnTrigger, TriggerCall } from "./test-api.ts";
export type { TestLog } from "./test-host.ts";
