/** The files that `gantry init` writes. */
export function configTemplate(project: string): string {
  return `import { defineConfig } from "@gantry/sdk";

export default defineConfig({
  project: ${JSON.stringify(project)},
  dirs: ["./tasks"],
  retries: {
    // Under \`gantry dev\` a failure is final at once unless this is true.
    enabledInDev: true,
    default: { maxAttempts: 3, minTimeoutInMs: 1000, factor: 2 },
  },
});
`;
}

export const EXAMPLE_TASK = `import { logger, metadata, task } from "@gantry/sdk";

/** Try it: gantry trigger hello --payload '{"name":"Ada"}' --wait */
export const hello = task({
  id: "hello",
  run: async (payload: { name?: string } | undefined) => {
    const name = payload?.name ?? "world";
    logger.info("Greeting", { name });
    metadata.set("greeted", name);
    return { greeting: \`Hello, \${name}!\` };
  },
});
`;

/** What git must not see. */
export const IGNORED = [".gantry/", ".env.local"];
