import { logger } from "@gantry/sdk";

export interface Mail {
  to: string;
  template: "welcome" | "next-steps" | "need-help";
  name: string;
}

/** A stand-in for your provider: writes a line into the run's log. Returns what a provider would: the message's id. */
export async function sendMail({ to, template, name }: Mail): Promise<string> {
  logger.info(`mail "${template}" to ${to}`, { name });
  return `${template}-${to}`;
}
