/** What an identity provider's way back says, for people: the code, and where the rules refused somebody, their reason. */
const CODES: Record<string, string> = {
  SIGN_IN_REFUSED: "The identity provider knows you, but you may not use this platform.",
  SINGLE_SIGN_ON_FAILED:
    "Single sign-on did not work. Try again; if it fails again, the operator finds why in the platform's log.",
  NOT_FOUND: "No identity provider is set here.",
};

const REASONS: Record<string, string> = {
  NO_ACCOUNT: "You have no account here yet. Ask an admin to invite you.",
  NO_ROLE: "None of your groups may use this platform. Ask an admin which one you need.",
  EMAIL_UNVERIFIED: "The identity provider has not verified your e-mail address. Verify it there, then try again.",
  NO_EMAIL: "The identity provider did not tell your e-mail address. Ask the operator to add the scope `email`.",
  DISABLED: "An admin has closed your account.",
  OTHER_SUBJECT: "Your e-mail address belongs to another person of the identity provider here. Ask an admin.",
};

/** Undefined where the address says nothing of an error. */
export function signOnProblem(search: string): string | undefined {
  const query = new URLSearchParams(search);
  const code = query.get("error");
  if (code === null) return undefined;
  return REASONS[query.get("reason") ?? ""] ?? CODES[code] ?? "The sign-in did not work. Try again.";
}

/** Where somebody goes on after they signed in: the page they came for. */
export function pageAfterSignIn({ pathname, search }: { pathname: string; search: string }): string {
  return /^\/(sign-in|setup|invitation)\/?$/.test(pathname) ? "/" : `${pathname}${search}`;
}
