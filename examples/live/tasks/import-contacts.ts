import { setTimeout as pause } from "node:timers/promises";
import { logger, metadata, schemaTask, step, streams, wait } from "@gantry/sdk";
import { parse } from "csv-parse/sync";
import { z } from "zod";
import { type CheckedRow, type Contact, contactSchema, type Decision, type ImportResult } from "../contact.ts";

/** Each row as it is checked; the page shows them as they come. */
export const checkedRows = streams.define<CheckedRow>({ id: "rows" });

/**
 * Imports contacts out of a CSV file: checks every row, asks a person whether to go on, then saves the good ones.
 *
 * While nobody has decided there is no process, for three days at most.
 */
export const importContacts = schemaTask({
  id: "import-contacts",
  schema: z.object({
    csv: z.string(),
    /** Milliseconds for each row, so that a person can watch. */
    paceMs: z.number().int().min(0).max(1000).default(40),
  }),
  run: async ({ csv, paceMs }, { signal }): Promise<ImportResult> => {
    const { contacts, rejected } = await step.run("check", () => check(csv, paceMs, signal));

    const token = await wait.createToken({ timeout: "3d" });
    metadata.set("phase", "approval");
    metadata.set("approval", { tokenId: token.id, publicAccessToken: token.publicAccessToken });
    const decision = await wait.forToken<Decision>(token);

    metadata.del("approval");
    if (!decision.ok) return { imported: 0, because: "nobody decided within three days" };
    if (!decision.output.approved) return { imported: 0, because: "it was not approved" };
    metadata.set("phase", "saving");
    await step.run("save", () => save(contacts, signal));
    return { imported: contacts.length, rejected };
  },
});

async function check(csv: string, paceMs: number, signal: AbortSignal) {
  const rows = parse<Record<string, string>>(csv, { columns: true, skip_empty_lines: true, trim: true });
  const contacts: Contact[] = [];
  metadata.replace({ phase: "checking", rows: rows.length, rowsDone: 0, rejected: 0 });
  async function* checked(): AsyncGenerator<CheckedRow> {
    for (const [index, row] of rows.entries()) {
      await pause(paceMs, undefined, { signal });
      const { success, data, error } = contactSchema.safeParse(row);
      if (success) contacts.push(data);
      metadata.set("rowsDone", index + 1).set("rejected", index + 1 - contacts.length);
      const text = `${row.name || "(no name)"} · ${row.email || "(no address)"}`;
      const problem = error?.issues[0]?.message;
      yield { line: index + 2, text, ...(success ? {} : { problem: problem ?? "is not a contact" }) };
    }
  }
  await checkedRows.pipe(checked()).waitUntilComplete();
  return { contacts, rejected: rows.length - contacts.length };
}

/** Where your database would be. */
async function save(contacts: Contact[], signal: AbortSignal): Promise<void> {
  await pause(500, undefined, { signal });
  logger.info("Saved", { contacts: contacts.length });
}
