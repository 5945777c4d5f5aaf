import { logger } from "@gantry/sdk";

export interface Mail {
  to: string;
  template: "welcome" | "next-steps" | "need-help";
  name: string;
}

export interface SentMail {
  template: string;
  /** Which process sent it: after a wait that is another one. */
  process: number;
}

/** A stand-in for your provider: writes a line into the run's log. */
export async function sendMail({ to, template, name }: Mail): Promise<SentMail> {
  logger.info(`mail "${template}" to ${to}`, { name });
  return { template, process: process.pid };
}
