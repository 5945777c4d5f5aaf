import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cli, emptyFolder } from "../../../test/support/fake-terminal.ts";
import { writeFiles } from "../../../test/support/temp-project.ts";

const read = (folder: string, file: string) => readFileSync(join(folder, file), "utf8");

test("init writes a configuration, a task, dependencies and lines for git, and says what is next", async () => {
  const cwd = emptyFolder();
  const { exitCode, out } = await cli(["init", "--yes"], { cwd });
  expect(exitCode).toBe(0);
  expect(read(cwd, "gantry.config.ts")).toContain('project: "app"');
  expect(read(cwd, "tasks/example.ts")).toContain('id: "hello"');
  expect(JSON.parse(read(cwd, "package.json"))).toMatchObject({
    name: "app",
    dependencies: { "@gantry/sdk": expect.stringMatching(/^\^\d/) as string },
    devDependencies: { "@gantry/platform": expect.any(String) as string },
  });
  expect(read(cwd, ".gitignore")).toBe(".gantry/\n.env.local\n");
  expect(out).toContain("npx gantry dev");
});

test("init overwrites nothing, and a second one changes nothing", async () => {
  const cwd = emptyFolder();
  writeFiles(cwd, { "tasks/example.ts": "mine", ".gitignore": "dist" });
  writeFileSync(join(cwd, "trigger.config.ts"), "export default {};");
  const { out } = await cli(["init", "--json"], { cwd });
  expect(read(cwd, "tasks/example.ts")).toBe("mine");
  expect(read(cwd, ".gitignore")).toBe("dist\n.gantry/\n.env.local\n");
  expect(existsSync(join(cwd, "gantry.config.ts"))).toBe(false);
  expect(JSON.parse(out)).toMatchObject({ changes: [{ file: "trigger.config.ts", what: "kept" }, {}, {}, {}] });
  const again = await cli(["init", "--json"], { cwd });
  expect((JSON.parse(again.out) as { changes: { what: string }[] }).changes.map(({ what }) => what)).toEqual(
    Array(4).fill("kept"),
  );
});

test("a package.json that is no JSON is named and left as it is", async () => {
  const cwd = emptyFolder();
  writeFileSync(join(cwd, "package.json"), "{");
  const { exitCode, err } = await cli(["init", "--yes"], { cwd });
  expect(exitCode).toBe(2);
  expect(err).toContain("PACKAGE_JSON_BROKEN");
  expect(existsSync(join(cwd, "gantry.config.ts"))).toBe(false);
});
