import { parseArgs } from "node:util";
import { type Role, roleSchema } from "@gantry/sdk/contract";
import type { AuditLog } from "./accounts/audit-log.ts";
import { normalEmail } from "./accounts/email-ref.ts";
import type { MemberService } from "./accounts/members.ts";
import type { SignInService } from "./accounts/sign-in.ts";
import type { User } from "./accounts/user.ts";
import { ConfigError } from "./config.ts";
import { AppError } from "./errors.ts";

export interface OperatorUsersDeps {
  members: MemberService;
  signIn: Pick<SignInService, "needsSetup">;
  audit: AuditLog;
  setupSecret: string;
  /** Where the dashboard is, without a slash at the end; links are shown without a host where it is not known. */
  publicUrl: string;
}

const USAGE =
  "Use: user list | setup-link | create --email <address> --name <name> [--role admin|developer|viewer] | " +
  "reset-password <email> | set-role <email> <role> | close <email> | open <email>";

/** `gantry-platform user …`: for whoever may read the platform's settings, also where nobody can sign in any more. */
export async function operatorUsers(deps: OperatorUsersDeps, args: string[]): Promise<unknown> {
  const options = { email: { type: "string" }, name: { type: "string" }, role: { type: "string" } } as const;
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  const [what, email, role] = positionals;
  if (what === "list") return (await deps.members.list()).map(shown);
  if (what === "setup-link") return setupLink(deps);
  if (what === "create") return create(deps, values);
  if (email === undefined) throw new ConfigError(USAGE);
  switch (what) {
    case "reset-password":
      return resetPassword(deps, await userOf(deps, email));
    case "set-role":
      return change(deps, await userOf(deps, email), { role: roleOf(role) });
    case "close":
      return change(deps, await userOf(deps, email), { isDisabled: true });
    case "open":
      return change(deps, await userOf(deps, email), { isDisabled: false });
    default:
      throw new ConfigError(USAGE);
  }
}

async function setupLink({ signIn, publicUrl, setupSecret }: OperatorUsersDeps) {
  if (!(await signIn.needsSetup())) throw new ConfigError("The first user exists already; see `user list`.");
  return { setupUrl: `${publicUrl}/setup#${encodeURIComponent(setupSecret)}` };
}

async function create(deps: OperatorUsersDeps, values: { email?: string; name?: string; role?: string }) {
  const { email, name } = values;
  if (email === undefined || !/^[^\s@]+@[^\s@]+$/.test(email) || name === undefined) throw new ConfigError(USAGE);
  const role = roleOf(values.role ?? "admin");
  const { user, invitation } = await readable(deps.members.create({ email, name, role }));
  await note(deps, "users.create", user, { role });
  // Without passwords there is no link: they sign in by single sign-on.
  if (invitation === undefined) return shown(user);
  return { ...shown(user), url: `${deps.publicUrl}/invitation#${invitation.token}`, expiresAt: invitation.expiresAt };
}

async function resetPassword(deps: OperatorUsersDeps, { id }: User) {
  const { user, invitation } = await readable(deps.members.invite(id));
  await note(deps, "users.invite", user, {});
  return { ...shown(user), url: `${deps.publicUrl}/invitation#${invitation.token}`, expiresAt: invitation.expiresAt };
}

async function change(deps: OperatorUsersDeps, { id }: User, what: { role?: Role; isDisabled?: boolean }) {
  const user = await readable(deps.members.update(id, what));
  await note(deps, "users.update", user, what);
  return shown(user);
}

async function userOf({ members }: OperatorUsersDeps, email: string): Promise<User> {
  const found = (await members.list()).find((user) => user.email === normalEmail(email));
  if (found === undefined) throw new ConfigError(`There is no user ${email}; \`user list\` shows them.`);
  return found;
}

function roleOf(text: string | undefined): Role {
  const role = roleSchema.safeParse(text);
  if (!role.success) throw new ConfigError(`"${text ?? ""}" is no role; one of ${roleSchema.options.join(", ")} is.`);
  return role.data;
}

function note({ audit }: OperatorUsersDeps, action: string, user: User, details: Record<string, unknown>) {
  return audit.record({
    actor: { kind: "operator", id: undefined, name: undefined },
    action,
    target: `${user.id} ${user.email}`,
    environmentId: undefined,
    outcome: "ok",
    address: undefined,
    requestId: undefined,
    details,
  });
}

/** What a user would be told is what the operator did wrong. */
async function readable<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw error instanceof AppError ? new ConfigError(error.message) : error;
  });
}

function shown({ id, email, name, role, passwordHash, subject, lastSignInAt, disabledAt }: User) {
  return {
    id,
    email,
    name,
    role,
    hasPassword: passwordHash !== undefined,
    hasSingleSignOn: subject !== undefined,
    lastSignInAt: lastSignInAt ?? null,
    disabledAt: disabledAt ?? null,
  };
}
