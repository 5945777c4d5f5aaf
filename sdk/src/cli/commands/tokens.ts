import type { Command } from "commander";
import type { ListTokensParams, TokenStatus } from "../../client/list-query.ts";
import { decodeValue, encodeValue } from "../../client/packet.ts";
import type { TokenItem } from "../../client/replies.ts";
import { TOKEN_STATUSES } from "../../contract/api/waitpoints.ts";
import { CliError } from "../cli-error.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { addApiCommand, collect, number } from "../define-command.ts";
import { valueText } from "../run-report.ts";
import { age, type Terminal, table } from "../terminal.ts";

interface ListFlags extends CommonOptions {
  status?: string[];
  tag?: string[];
  key?: string;
  since?: string;
  limit?: number;
  after?: string;
}

export function tokensCommand(program: Command): void {
  const tokens = program.command("tokens").description("List, read and complete the tokens that runs wait for");
  addApiCommand<ListFlags>(tokens, "list", "List tokens, newest first", list)
    .option("-s, --status <status>", `one of ${TOKEN_STATUSES.join(", ")}; may be repeated`, collect)
    .option("--tag <tag>", "tokens with this tag; may be repeated", collect)
    .option("--key <key>", "the token of this idempotency key")
    .option("--since <period>", 'tokens made since: "30m", "7d"')
    .option("-n, --limit <n>", "at most so many (100 is the most)", number)
    .option("--after <token>", "the page of tokens older than this one");
  addApiCommand(tokens, "get <token>", "Show a token: status, timeout, and what it was completed with", get);
  addApiCommand(
    tokens,
    "complete <token> [data]",
    "Complete a token: the run that waits for it goes on",
    complete,
  ).addHelpText(
    "after",
    "\nThe data is JSON; what is no JSON is taken as text. Without data the token is completed with nothing.",
  );
}

async function list(context: CommandContext, flags: ListFlags): Promise<void> {
  const params: ListTokensParams = {
    limit: flags.limit,
    after: flags.after,
    status: flags.status?.map(toStatus),
    tags: flags.tag,
    idempotencyKey: flags.key,
    period: flags.since,
  };
  const page = await context.api().listTokens(params);
  if (context.json) {
    context.printJson(page.data);
    return;
  }
  if (page.data.length === 0) context.terminal.err("No tokens. A task makes one with wait.createToken().");
  else context.terminal.out(tokensTable(page.data, context.terminal));
  const last = page.data.at(-1);
  if (page.hasNextPage() && last) context.terminal.err(context.terminal.colors.dim(`More: --after ${last.id}`));
}

function toStatus(text: string): TokenStatus {
  const status = TOKEN_STATUSES.find((known) => known === text.toUpperCase().replaceAll("-", "_"));
  if (status !== undefined) return status;
  throw new CliError("BAD_ARGUMENT", `"${text}" is no status.`, { remedy: `Use one of ${TOKEN_STATUSES.join(", ")}.` });
}

const COLORS = { WAITING: "cyan", COMPLETED: "green", TIMED_OUT: "yellow" } as const;

function tokensTable(tokens: TokenItem[], terminal: Terminal): string {
  const rows = tokens.map((token) => [
    token.id,
    terminal.colors[COLORS[token.status]](token.status),
    age(token.createdAt, terminal.now()),
    age(token.completedAt, terminal.now()),
    token.status === "WAITING" ? age(token.timeoutAt, terminal.now()) : "-",
    token.tags.join(","),
  ]);
  return table(["TOKEN", "STATUS", "CREATED", "COMPLETED", "TIMES OUT", "TAGS"], rows, terminal.colors);
}

async function get(context: CommandContext, _flags: CommonOptions, id: string): Promise<void> {
  const { output, outputType, outputIsError, ...token } = await context.api().retrieveToken(id);
  const value = decodeValue(output, outputType);
  if (context.json) {
    context.printJson({ ...token, ...(output === undefined ? {} : { [outputIsError ? "error" : "output"]: value }) });
    return;
  }
  const { terminal } = context;
  const { colors } = terminal;
  const lines: [string, string | undefined][] = [
    ["token", token.id],
    ["status", colors[COLORS[token.status]](token.status)],
    ["created", `${token.createdAt.toISOString()} (${age(token.createdAt, terminal.now())})`],
    ["completed", token.completedAt?.toISOString()],
    ["times out", token.timeoutAt && `${token.timeoutAt.toISOString()} (${age(token.timeoutAt, terminal.now())})`],
    ["tags", token.tags.length > 0 ? token.tags.join(", ") : undefined],
    ["idempotency key", token.idempotencyKey],
    ["callback", token.url],
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  for (const [name, text] of lines) if (text) terminal.out(`${colors.dim(name.padEnd(width))}  ${text}`);
  if (output !== undefined) {
    terminal.out(`\n${colors.dim(outputIsError ? "error" : "output")}\n${valueText(value, terminal)}`);
  }
}

async function complete(context: CommandContext, _flags: CommonOptions, ...received: string[]): Promise<void> {
  const [id = "", text] = received;
  const { data, dataType } = encodeValue(text === undefined ? undefined : parsed(text));
  const reply = await context.api().completeToken(id, { data, dataType: dataType as "text/plain" });
  if (context.json) context.printJson({ id, ...reply });
  else if (reply.isFirst) context.terminal.out(`${id} is completed`);
  else context.terminal.out(`${id} had ended before (${reply.status}); nothing was changed`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
