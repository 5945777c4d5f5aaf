import { expect, test } from "vitest";
import { callIn, findUserFrame, isMadeByUser } from "./user-frame.ts";

const CALLS: Record<string, { text: string; at: string; want: string | undefined }> = {
  "a call by its name": { text: "  await fetch(url);", at: "fetch", want: "fetch" },
  "a method, at the method": { text: "  await emails.send({", at: "send", want: "emails.send" },
  "a method, at its object": { text: "  await emails.send({", at: "emails", want: "emails.send" },
  "a deep method of `this`": { text: "return this.api.mails.send(mail)", at: "send", want: "this.api.mails.send" },
  "a class": { text: "const w = new Worker(file)", at: "new", want: "Worker" },
  "what is awaited": { text: "  const a = await db.query(sql);", at: "await", want: "db.query" },
  "a template": { text: "await sql`select 1`", at: "sql", want: "sql" },
  "the second call of a line": { text: "save(load(a))", at: "load", want: "load" },
  "nothing that is called": { text: "const a = b;", at: "b", want: undefined },
};

for (const [name, { text, at, want }] of Object.entries(CALLS))
  test(`names ${name}`, () => expect(callIn(text, text.indexOf(at))).toBe(want));

const LINES: Record<string, { stack: string[]; want: ReturnType<typeof findUserFrame> }> = {
  "the user's innermost frame, and what it called": {
    stack: [
      "at Socket.write (node:net:1:2)",
      "at Resend.send (/app/node_modules/resend/index.js:9:9)",
      "at async run (/app/src/welcome.ts:14:5)",
      "at async main (/app/src/main.ts:3:1)",
    ],
    want: { line: "welcome.ts:14", call: "Resend.send" },
  },
  "an index file with its folder": {
    stack: ["at run (file:///app/src/mail/index.ts:4:5)"],
    want: { line: "mail/index.ts:4" },
  },
  "a frame without a function": { stack: ["at /app/src/a.ts:1:2"], want: { line: "a.ts:1" } },
  "nothing where only packages and Node are on the stack": {
    stack: ["at x (/app/node_modules/pg/a.js:1:1)", "at node:internal/timers:1:1"],
    want: undefined,
  },
};

for (const [name, { stack, want }] of Object.entries(LINES))
  test(`finds ${name}`, () =>
    expect(findUserFrame(["Error", ...stack.map((at) => `    ${at}`)].join("\n"))).toEqual(want));

test("tells the user's own timers from those of their packages", () => {
  const users =
    "    at setTimeout (node:timers:1:1)\n    at run (/app/a.ts:1:1)\n    at x (/app/node_modules/p/a.js:1:1)";
  const packages =
    "    at setTimeout (node:timers:1:1)\n    at x (/app/node_modules/p/a.js:1:1)\n    at run (/app/a.ts:1:1)";
  expect([users, packages].map(isMadeByUser)).toEqual([true, false]);
});
