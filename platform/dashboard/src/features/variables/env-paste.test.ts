import { describe, expect, test } from "vitest";
import { importEffects, readEnvPaste } from "./env-paste.ts";

const valuesOf = (text: string) =>
  Object.fromEntries(readEnvPaste(text).variables.map(({ name, value }) => [name, value]));

describe("a pasted .env file", () => {
  test.each([
    ["plain values", "A=1\nB = two \n", { A: "1", B: "two" }],
    ["comments and blank lines", "# hello\n\nA=1 # why\n", { A: "1" }],
    ["a # within a value", "A=pa#ss\nB='x # y'", { A: "pa#ss", B: "x # y" }],
    ["export", "export A=1", { A: "1" }],
    ["quotes with escapes", 'A="one\\ntwo \\"three\\""', { A: 'one\ntwo "three"' }],
    ["single quotes keep escapes", "A='one\\ntwo'", { A: "one\\ntwo" }],
    ["values over several lines", 'KEY="-----BEGIN\nabc\n-----END"\nB=2', { KEY: "-----BEGIN\nabc\n-----END", B: "2" }],
    ["empty values", "A=\nB=''", { A: "", B: "" }],
    ["= within a value", "URL=postgres://u:p@h/db?a=b", { URL: "postgres://u:p@h/db?a=b" }],
    ["the last of a name", "A=1\nA=2", { A: "2" }],
    ["Windows' line ends", "A=1\r\nB=2\r\n", { A: "1", B: "2" }],
  ])("%s", (_title, text, want) => {
    expect(valuesOf(text)).toEqual(want);
    expect(readEnvPaste(text).problems).toEqual([]);
  });

  test.each([
    ["A line without =", "A=1\nnonsense", 2, "is not NAME=value"],
    ["a name with a dash", "A-B=1", 1, "letters, digits and underscores"],
    ["a name of Gantry's", "GANTRY_WORKER_TOKEN=1", 1, "Gantry's own"],
    ["an open quote", 'A="one\nB=2', 1, "never closed"],
  ])("%s is said with its line", (_title, text, line, message) => {
    const { problems } = readEnvPaste(text);
    expect(problems).toMatchObject([{ line, message: expect.stringContaining(message) }]);
  });
});

test("an import says what it would do to each variable", () => {
  const { variables } = readEnvPaste("NEW=1\nSAME=2\nOTHER=3\nSECRET=4");
  const known = new Map([
    ["SAME", "2"],
    ["OTHER", "old"],
    ["SECRET", undefined],
  ]);
  const effects = (override: boolean) => importEffects(variables, known, override).map(({ effect }) => effect);
  expect(effects(true)).toEqual(["new", "same", "changes", "replaces"]);
  expect(effects(false)).toEqual(["new", "same", "stays", "stays"]);
});
