import { runTask } from "@gantry/sdk/testing";
import { expect, test } from "vitest";
import { importContacts } from "./import-contacts.ts";

const CSV = "name,email,company\nAda,ada@example.com,Engines\nBo,no address,Goto\n";

const DECISIONS: Record<string, { answer: { output: unknown } | undefined; want: object }> = {
  "imports the good rows once they are approved": {
    answer: { output: { approved: true } },
    want: { imported: 1, rejected: 1 },
  },
  "imports nothing that was not approved": {
    answer: { output: { approved: false } },
    want: { imported: 0, because: "it was not approved" },
  },
  "imports nothing where nobody decided": {
    answer: undefined,
    want: { imported: 0, because: "nobody decided within three days" },
  },
};

test.each(Object.entries(DECISIONS))("the import %s", async (_title, { answer, want }) => {
  const result = await runTask(importContacts, { csv: CSV, paceMs: 0 }, { onWait: () => answer });
  expect(result.error).toBeUndefined();
  expect(result.output).toEqual(want);
});
