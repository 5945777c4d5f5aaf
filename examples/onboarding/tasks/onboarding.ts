import { metadata, schemaTask, step, wait } from "@gantry/sdk";
import { z } from "zod";
import { projectsOf } from "../activity.ts";
import { sendMail } from "../mail.ts";

const THREE_DAYS = 3 * 24 * 3600;

/**
 * Welcomes somebody, waits three days, and sends the second mail that fits what they have done since.
 *
 * Each effect is a step: however often the process is lost, no mail is sent twice, and during the wait there is no process.
 */
export const onboarding = schemaTask({
  id: "onboarding",
  schema: z.object({
    email: z.email(),
    name: z.string().min(1),
    /** Shorter, to watch it on a laptop. */
    waitSeconds: z.number().min(0).default(THREE_DAYS),
  }),
  run: async ({ email, name, waitSeconds }) => {
    const welcome = await step.run("welcome", () => sendMail({ to: email, template: "welcome", name }));
    metadata.set("phase", "welcomed");

    await wait.for({ seconds: waitSeconds });

    const projects = await step.run("look at activity", () => projectsOf(email));
    const template = projects > 0 ? "next-steps" : "need-help";
    const second = await step.run(`send ${template}`, () => sendMail({ to: email, template, name }));
    metadata.set("phase", "done");
    return { projects, sent: [welcome, second] };
  },
});
