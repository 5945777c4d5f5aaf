import { z } from "zod";
import { JOURNAL_KINDS } from "../journal.ts";
import { runErrorSchema } from "./runs.ts";
import { batchIdSchema, instantSchema, runIdSchema } from "./scalars.ts";
import { waitpointIdSchema } from "./waitpoints.ts";

export const JOURNAL_STATES = ["OPEN", "COMPLETED", "FAILED"] as const;

export const journalQuerySchema = z.strictObject({
  after: z.coerce.number().int().min(0).max(2_000_000_000).optional().describe("The `next` of the page that you have."),
  limit: z.coerce.number().int().min(1).max(1000).default(1000),
});

/** A durable call of a run, as people see it. */
export const journalEntryReplySchema = z
  .object({
    entry: z.int().describe("Its number within the run, in the order of the calls."),
    kind: z.enum(JOURNAL_KINDS),
    key: z.string(),
    label: z.string().describe("A step's name, a child's task, what is waited for."),
    state: z.enum(JOURNAL_STATES).describe("FAILED: it was completed with an error, such as a token's timeout."),
    attempt: z.int().describe("In which it was made, or made anew."),
    tries: z.int(),
    openedAt: instantSchema,
    startedAt: instantSchema.optional().describe("When a step's function was called first."),
    dueAt: instantSchema.optional().describe("When a wait ends at the latest, where that is known."),
    completedAt: instantSchema.optional(),
    durationMs: z.number().optional().describe("From the start (or the opening) to the end."),
    tokenId: waitpointIdSchema.optional(),
    childRunId: runIdSchema.optional(),
    batchId: batchIdSchema.optional(),
    output: z.unknown().optional().describe("As plain JSON; left out where it is larger than 4 KB."),
    outputStart: z.string().optional().describe("Of a larger one: its first 4 KB as they are stored."),
    outputType: z.string().optional(),
    outputBytes: z.int().optional(),
    error: runErrorSchema.optional(),
  })
  .meta({ id: "JournalEntry" });
export type JournalEntryReply = z.infer<typeof journalEntryReplySchema>;

/** The durable calls of a run, in the order of their numbers. */
export const journalReplySchema = z.object({
  entries: z.array(journalEntryReplySchema),
  next: z.int().optional().describe("There are more: `after` of the next page."),
});
export type JournalReply = z.infer<typeof journalReplySchema>;
