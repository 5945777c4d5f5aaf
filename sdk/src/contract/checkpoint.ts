/** What becomes of a worker while its run waits; a task's `checkpoint`, or the project's default. */
import { z } from "zod";

/** Nothing is filled in here: what a task leaves out comes from the project, what that leaves out from the default. */
export const checkpointSchema = z.object({
  /**
   * `auto`: hold a short wait; for a long one store the process where `process` allows it and its worker can, else leave where
   * a replay repeats nothing, else hold. `process`: store it for every wait; where that cannot be, as `auto`.
   */
  mode: z.enum(["auto", "hold", "replay", "process"]),
  /**
   * `auto` may store the process's memory and end its worker (docs/process-checkpoints.md). Its runs then have workers that are
   * allowed to: a security decision, hence off. Mode `process` implies it.
   */
  process: z.boolean(),
  /** `auto` keeps the worker this long before it leaves. Milliseconds. */
  holdMs: z.number().min(0).max(86_400_000),
  /** Counts every socket that was not opened and destroyed inside one step as unsafe. */
  strict: z.boolean(),
  /** Replays even where effects outside of steps were seen: they will be repeated. */
  unchecked: z.boolean(),
  /** A held worker that is lost, where a replay would repeat effects. */
  onHoldLost: z.enum(["fail", "restart"]),
});
export type Checkpoint = z.infer<typeof checkpointSchema>;
