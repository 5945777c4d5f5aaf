/**
 * What a task process does before its run arrives, and nothing else: the measure of what the machine can boot. JavaScript,
 * since stripping types would be most of its time.
 */
import { connect } from "node:net";

await import(process.argv[2] ?? "");
// A task process opens a socket to its runner; so does this one, to nobody.
connect({ port: 9, host: "127.0.0.1" }).on("error", () => process.exit(0));
