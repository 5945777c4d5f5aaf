import { metadata, schemaTask, step, wait } from "@gantry/sdk";
import { z } from "zod";
import { askForApproval, publishArticle } from "../newsroom.ts";

interface Decision {
  approved: boolean;
  by?: string;
}

/**
 * Asks somebody whether an article may go out, and waits for the answer as long as it takes, at most a week.
 *
 * The token has an address; whoever is given it answers with a POST. While nobody does there is no process.
 */
export const publish = schemaTask({
  id: "publish",
  schema: z.object({ title: z.string().min(1), timeout: z.string().default("7d") }),
  run: async ({ title, timeout }) => {
    const token = await wait.createToken({ timeout });
    await step.run("ask", () => askForApproval(title, token.url));
    metadata.set("answerAt", token.url);

    const answer = await wait.forToken<Decision>(token);

    if (!answer.ok) return { published: false, because: "nobody answered" };
    const { approved, by = "somebody" } = answer.output;
    if (!approved) return { published: false, because: `${by} said no` };
    const address = await step.run("publish", () => publishArticle(title));
    return { published: true, address, approvedBy: by };
  },
});
