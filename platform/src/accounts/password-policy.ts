import { PASSWORD_CHARACTERS } from "@gantry/sdk/contract";

/** TOO_SHORT, TOO_LONG: by characters. LIKE_EMAIL: it is the e-mail or a part of it. TOO_PLAIN: few different characters. */
export type PasswordDecision =
  | { accept: true }
  | { accept: false; reason: "TOO_SHORT" | "TOO_LONG" | "LIKE_EMAIL" | "TOO_PLAIN"; message: string };

/** Length counts; no rule asks for digits or signs. What a guesser tries first is refused. */
export function decidePassword(password: string, email: string): PasswordDecision {
  const { min, max } = PASSWORD_CHARACTERS;
  const characters = Array.from(normalPassword(password));
  if (characters.length < min) return refuse("TOO_SHORT", `A password has ${min} characters or more.`);
  if (characters.length > max) return refuse("TOO_LONG", `A password has ${max} characters at most.`);
  if (new Set(characters).size < 5) return refuse("TOO_PLAIN", "A password has five different characters or more.");
  const plain = password.toLowerCase();
  const [name = "", host = ""] = email.toLowerCase().split("@");
  if (plain.includes(email.toLowerCase()) || [name, host].some((part) => part.length >= 4 && plain.startsWith(part)))
    return refuse("LIKE_EMAIL", "A password does not begin with parts of the e-mail address.");
  return { accept: true };
}

/** The same text typed on different keyboards is the same password. */
export function normalPassword(password: string): string {
  return password.normalize("NFKC");
}

function refuse(reason: "TOO_SHORT" | "TOO_LONG" | "LIKE_EMAIL" | "TOO_PLAIN", message: string): PasswordDecision {
  return { accept: false, reason, message };
}
