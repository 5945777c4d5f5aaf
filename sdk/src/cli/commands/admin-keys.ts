import type { Command } from "commander";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { addApiCommand, number } from "../define-command.ts";
import { age, table } from "../terminal.ts";

interface Key {
  id: string;
  scope: string;
  hint: string;
  createdAt: string;
  expiresAt: string | null;
}

export function keysCommand(admin: Command): void {
  const keys = admin.command("keys").description("List, make and revoke the environment's keys");
  addApiCommand(keys, "list", "List keys; their secrets are never shown again", list);
  addApiCommand<CommonOptions & { scope: string }>(keys, "create", "Make a key; it is shown this once", create).option(
    "--scope <scope>",
    "full, trigger, read or deploy",
    "full",
  );
  addApiCommand<CommonOptions & { grace: number }>(keys, "revoke <key-id>", "Revoke a key", revoke).option(
    "--grace <seconds>",
    "how long it still works, for a rotation",
    number,
    0,
  );
}

async function list(context: CommandContext): Promise<void> {
  const { data } = await context
    .api()
    .request<{ data: Key[] }>({ method: "GET", path: "/api/v1/keys", repeatable: "always" });
  if (context.json) {
    context.printJson(data.data);
    return;
  }
  const now = context.terminal.now();
  const rows = data.data.map(({ id, scope, hint, createdAt, expiresAt }) => [
    id,
    scope,
    `…${hint}`,
    age(createdAt, now),
    age(expiresAt, now),
  ]);
  context.terminal.out(table(["KEY", "SCOPE", "ENDS IN", "CREATED", "EXPIRES"], rows, context.terminal.colors));
}

async function create(context: CommandContext, { scope }: { scope: string }): Promise<void> {
  const { data } = await context.api().request<Key & { key: string }>({
    method: "POST",
    path: "/api/v1/keys",
    json: { scope },
    repeatable: "undelivered",
  });
  if (context.json) context.printJson(data);
  else context.terminal.out(data.key);
}

async function revoke(context: CommandContext, { grace }: { grace: number }, keyId: string): Promise<void> {
  const path = `/api/v1/keys/${encodeURIComponent(keyId)}/revoke`;
  await context.api().request({ method: "POST", path, json: { graceSeconds: grace }, repeatable: "always" });
  if (context.json) context.printJson({ id: keyId, graceSeconds: grace });
  else context.terminal.out(grace === 0 ? `${keyId} is revoked` : `${keyId} works for ${grace} more seconds`);
}
