import { z } from "zod";

export const contactSchema = z.object({
  name: z.string().trim().min(1, "has no name"),
  email: z.email("is no e-mail address"),
  company: z.string().trim().optional(),
});
export type Contact = z.infer<typeof contactSchema>;

/** What became of one row of the file. */
export interface CheckedRow {
  /** In the file, from 2: the first line has the columns' names. */
  line: number;
  text: string;
  /** Why it is not imported; undefined where it is. */
  problem?: string;
}

/** What the run says of itself in its metadata. */
export interface ImportMetadata {
  phase: "checking" | "approval" | "saving";
  rows: number;
  rowsDone: number;
  rejected: number;
  /** While it waits for somebody's decision. */
  approval?: { tokenId: string; publicAccessToken: string };
}

export interface Decision {
  approved: boolean;
}

export type ImportResult = { imported: number; rejected: number } | { imported: 0; because: string };
