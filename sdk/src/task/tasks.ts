import { triggerTasks } from "../client/tasks.ts";
import { globalHooks } from "./global-hooks.ts";

/** Triggering by a task's id, and hooks for every task of the project (register those in `init.ts`). */
export const tasks = { ...triggerTasks, ...globalHooks };
