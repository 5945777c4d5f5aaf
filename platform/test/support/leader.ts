import { AdvisoryLeadership } from "../../src/adapters/postgres/advisory-leadership.ts";

/** A program that leads until it is killed: `leader.ts <url>`; it prints `leads` when it does. */
const logger = { info: () => undefined, warn: () => undefined } as never;
const leadership = new AdvisoryLeadership({ connectionString: process.argv[2] ?? "", logger });
leadership.onChange((isLeader) => console.log(isLeader ? "leads" : "follows"));
setInterval(() => undefined, 60_000);
