import type { Command } from "commander";
import { parseDurationMs } from "../../contract/duration.ts";
import { CliError } from "../cli-error.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { addApiCommand, collect } from "../define-command.ts";
import { age, table } from "../terminal.ts";

interface AccessToken {
  id: string;
  name: string;
  scopes: string[];
  hint: string;
  createdAt: string;
  expiresAt: string | null;
}
interface CreateFlags extends CommonOptions {
  name: string;
  scope?: string[];
  expiresIn?: string;
}

export function tokensCommand(admin: Command): void {
  const tokens = admin.command("tokens").description("List, make and revoke access tokens, which are for all projects");
  addApiCommand(tokens, "list", "List access tokens; their secrets are never shown again", list);
  addApiCommand<CreateFlags>(tokens, "create", "Make an access token; it is shown this once", create)
    .requiredOption("--name <who>", "who or what has it")
    .option("--scope <scope>", "full, deploy, trigger or read; may be repeated (default: full)", collect)
    .option("--expires-in <duration>", 'how long it works: "90d"');
  addApiCommand(tokens, "revoke <token-id>", "Revoke an access token", revoke);
}

async function list(context: CommandContext): Promise<void> {
  const request = { method: "GET", path: "/api/v1/access-tokens", repeatable: "always" } as const;
  const { data } = (await context.api().request<{ data: AccessToken[] }>(request)).data;
  if (context.json) return context.printJson(data);
  const now = context.terminal.now();
  const rows = data.map(({ id, name, scopes, hint, createdAt, expiresAt }) => [
    id,
    name,
    scopes.join(", "),
    `…${hint}`,
    age(createdAt, now),
    age(expiresAt, now),
  ]);
  context.terminal.out(
    table(["TOKEN", "NAME", "SCOPES", "ENDS IN", "CREATED", "EXPIRES"], rows, context.terminal.colors),
  );
}

async function create(context: CommandContext, { name, scope, expiresIn }: CreateFlags): Promise<void> {
  const ms = expiresIn === undefined ? undefined : parseDurationMs(expiresIn);
  if (expiresIn !== undefined && ms === undefined)
    throw new CliError("BAD_ARGUMENT", `"${expiresIn}" is no duration.`, { remedy: 'Use something like "90d".' });
  const expiresAt = ms === undefined ? {} : { expiresAt: new Date(context.terminal.now() + ms).toISOString() };
  const json = { name, ...(scope === undefined ? {} : { scopes: scope }), ...expiresAt };
  const request = { method: "POST", path: "/api/v1/access-tokens", json, repeatable: "undelivered" } as const;
  const { data } = await context.api().request<{ id: string; token: string }>(request);
  if (context.json) context.printJson(data);
  else context.terminal.out(data.token);
}

async function revoke(context: CommandContext, _flags: CommonOptions, id: string): Promise<void> {
  const path = `/api/v1/access-tokens/${encodeURIComponent(id)}/revoke`;
  await context.api().request({ method: "POST", path, repeatable: "always" });
  if (context.json) context.printJson({ id, revoked: true });
  else context.terminal.out(`${id} is revoked`);
}
