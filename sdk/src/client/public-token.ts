import type { ApiClient } from "./api-client.ts";

export type TokenExpiration = number | Date | string;

/** What a token may do, by kind of thing; `true` means all of the kind. */
export interface TokenPermissions {
  read?: TokenTargets | undefined;
  write?: TokenTargets | undefined;
  /** Better: `auth.createTriggerPublicToken`, whose tokens work once. */
  trigger?: { tasks: string | string[] } | undefined;
  batchTrigger?: { tasks: string | string[] } | undefined;
}
export interface TokenTargets {
  runs?: string | string[] | true | undefined;
  tasks?: string | string[] | undefined;
  tags?: string | string[] | undefined;
  batch?: string | string[] | undefined;
  waitpoints?: string | string[] | undefined;
  /** Ids of runs: to write is to send them messages. */
  inputStreams?: string | string[] | undefined;
}

/** `{ read: { runs: ["run_a"] } }` → `["read:runs:run_a"]`. Errors: RangeError for an empty id, which would mean all. */
export function toScopes(permissions: TokenPermissions): string[] {
  return Object.entries(permissions).flatMap(([action, targets]) =>
    Object.entries((targets ?? {}) as Record<string, string | string[] | true | undefined>).flatMap(([kind, ids]) =>
      ids === true ? [`${action}:${kind}`] : [ids ?? []].flat().map((id) => scope(action, kind, id)),
    ),
  );
}

function scope(action: string, kind: string, id: string): string {
  if (id.trim() === "") throw new RangeError(`A public token's ${kind} must not be empty.`);
  return `${action}:${kind}:${id}`;
}

/** The platform signs: the client needs no crypto, and a key that may only trigger cannot sign more than it may do. */
export async function requestPublicToken(
  client: ApiClient,
  token: { scopes: string[]; expirationTime?: TokenExpiration | undefined; oneTimeUse?: boolean | undefined },
): Promise<string> {
  const { expirationTime } = token;
  const reply = await client.createPublicToken({
    ...token,
    expirationTime: expirationTime instanceof Date ? Math.floor(expirationTime.getTime() / 1000) : expirationTime,
  });
  return reply.token;
}
