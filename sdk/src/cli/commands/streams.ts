import type { Command } from "commander";
import { resolveConfig } from "../../client/configuration.ts";
import type { RequestOptions } from "../../client/request-options.ts";
import { readChunks, sendToStream } from "../../client/stream-requests.ts";
import { listStreams } from "../../client/streams.ts";
import type { StreamDirection } from "../../contract/api/streams.ts";
import { CliError } from "../cli-error.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { addApiCommand, number } from "../define-command.ts";
import { byteSize } from "../deploy/byte-size.ts";
import { age, type Terminal, table } from "../terminal.ts";

interface ReadFlags extends CommonOptions {
  from?: number;
  input?: boolean;
  timeout?: number;
  follow?: boolean;
}

export function streamsCommand(program: Command): void {
  const streams = program.command("streams").description("List, read and write to streams of runs");
  addApiCommand(streams, "list <run>", "List a run's streams", list);
  addApiCommand<ReadFlags>(streams, "read <run> [stream]", "Print a stream as it grows, until it has ended", read)
    .option("--from <index>", "begin with this chunk", number)
    .option("--input", "the messages that the run was sent, instead of what it writes")
    .option("--timeout <seconds>", "stop when nothing has come for so long (600)", number)
    .option("--no-follow", "print what there is and stop");
  addApiCommand(streams, "send <run> <stream> [data]", "Send a message to a run's input stream", send).addHelpText(
    "after",
    "\nThe data is JSON; what is no JSON is taken as text.",
  );
}

async function list(context: CommandContext, _flags: CommonOptions, run: string): Promise<void> {
  const found = await listStreams(run, callOptions(context));
  if (context.json) return context.printJson(found);
  if (found.length === 0) return context.terminal.err("No streams. A task writes one with streams.pipe().");
  const rows = found.map(({ id, direction, chunks, bytes, isEnded, updatedAt }) => [
    id,
    direction,
    String(chunks),
    byteSize(bytes),
    isEnded ? "ended" : "open",
    age(updatedAt, context.terminal.now()),
  ]);
  const headings = ["STREAM", "DIRECTION", "CHUNKS", "SIZE", "", "WRITTEN"];
  context.terminal.out(table(headings, rows, context.terminal.colors));
}

/** Text is printed as it is, one piece after the other; anything else as a line of JSON. */
async function read(context: CommandContext, flags: ReadFlags, run: string, stream = "default"): Promise<void> {
  const direction: StreamDirection = flags.input ? "input" : "output";
  const timeoutInSeconds = flags.follow === false ? 0 : (flags.timeout ?? 600);
  const config = resolveConfig(callOptions(context));
  const { terminal } = context;
  let text = "";
  for await (const chunk of readChunks(config, run, stream, { from: flags.from ?? 0, direction, timeoutInSeconds })) {
    const value: unknown = JSON.parse(chunk.data);
    if (context.json) context.printJson({ ...chunk, data: value });
    else if (typeof value === "string") text = printText(terminal, text, value);
    else text = printText(terminal, text, `${text === "" ? "" : "\n"}${chunk.data}\n`);
  }
  if (text !== "") terminal.out(terminal.write ? "" : text);
}

/** What is left of the last line: a terminal has it already, anything else gets whole lines. */
function printText(terminal: Terminal, line: string, more: string): string {
  terminal.write?.(more);
  const lines = (line + more).split("\n");
  const rest = lines.pop() ?? "";
  if (!terminal.write) for (const each of lines) terminal.out(each);
  return rest;
}

function callOptions(context: CommandContext): RequestOptions {
  const { baseUrl, token } = context.connection();
  return { ...context.live().requestOptions, clientConfig: { baseURL: baseUrl, accessToken: token } };
}

async function send(
  context: CommandContext,
  _flags: CommonOptions,
  run: string,
  stream: string,
  text?: string,
): Promise<void> {
  if (text === undefined)
    throw new CliError("BAD_ARGUMENT", "There is no message to send.", { remedy: "Give it as JSON." });
  const { index } = await sendToStream(
    run,
    stream,
    { id: crypto.randomUUID(), data: messageOf(text) },
    callOptions(context),
  );
  if (context.json) return context.printJson({ index });
  context.terminal.out(`Sent: message ${index} of ${stream}.`);
}

function messageOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
