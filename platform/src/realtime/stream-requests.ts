import { STREAM_DIRECTIONS, streamNameSchema } from "@gantry/sdk/contract";
import { z } from "zod";
import { AppError } from "../errors.ts";

const id = z.string().min(1).max(64);
const readSchema = z.object({
  id,
  runId: z.string().min(1).max(200),
  stream: streamNameSchema,
  direction: z.enum(STREAM_DIRECTIONS).default("output"),
  from: z.union([z.literal("latest"), z.int().min(0)]),
});
const takenSchema = z.object({ id, next: z.int().min(0) });

export type ReadWish = z.output<typeof readSchema>;

/** Errors: BAD_REQUEST. */
export function readReadStream(request: unknown): ReadWish {
  const { success, data, error } = readSchema.safeParse(request);
  if (success) return data;
  throw new AppError("BAD_REQUEST", `The request to read a stream is not valid: ${z.prettifyError(error)}`);
}

/** Undefined: it says nothing that could be understood, and nobody waits for an answer to it. */
export function readTaken(request: unknown): { id: string; next: number } | undefined {
  return takenSchema.safeParse(request).data;
}
