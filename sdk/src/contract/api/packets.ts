import { z } from "zod";

/** PUT the bytes there, or GET them from there; no key needed, good for 15 minutes. */
export const presignedReplySchema = z
  .object({
    presignedUrl: z.string(),
    storagePath: z.string().optional().describe('The `payload` of a trigger with payloadType "application/store".'),
  })
  .meta({ id: "PresignedUrl" });
export const signedQuerySchema = z.strictObject({ token: z.string().max(4096) });
