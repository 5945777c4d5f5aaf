import { logger } from "@gantry/sdk";

/** A stand-in for a message to a person, with buttons that POST to `url`. */
export async function askForApproval(title: string, url: string): Promise<void> {
  logger.info(`May "${title}" be published? Answer at ${url}`);
}

/** A stand-in for your website; returns the article's address. */
export async function publishArticle(title: string): Promise<string> {
  return `https://example.com/${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}`;
}
