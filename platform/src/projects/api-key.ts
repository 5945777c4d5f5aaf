import { createHash } from "node:crypto";
import { newSecret } from "../ids.ts";

/** A key's two parts: `gt_<slug>_sk_<24 letters and digits>`, or the same after `tr_`, the alias that Trigger.dev's SDK knows. */
export interface ApiKeyParts {
  slug: string;
  secret: string;
}

const KEY = /^(?:gt|tr)_([a-z0-9-]{1,64})_sk_([0-9A-Za-z]{24})$/;
const SECRET = /^[0-9A-Za-z]{24}$/;
const ACCESS_TOKEN = /^gt_pat_[0-9A-Za-z]{32}$/;
/** The alias knows four slugs only; these environments are meant by them too. */
const ALIASES: Record<string, string[]> = { stg: ["stg", "staging"], prod: ["prod", "production"] };

/** Undefined where the text cannot be a key. */
export function parseApiKey(key: string): ApiKeyParts | undefined {
  const [, slug, secret] = KEY.exec(key) ?? [];
  return slug && secret ? { slug, secret } : undefined;
}

export function formatApiKey({ slug, secret }: ApiKeyParts): string {
  return `gt_${slug}_sk_${secret}`;
}

export function isKeySecret(secret: string): boolean {
  return SECRET.test(secret);
}

/** SHA-256 over slug and secret: a key is random enough for a plain hash, and the slug binds it to its environment's name. */
export function hashApiKey({ slug, secret }: ApiKeyParts): Buffer<ArrayBuffer> {
  return sha256(`${slug}:${secret}`);
}

/** The environments that a slug may mean, the likeliest first. */
export function slugsMeant(slug: string): string[] {
  return Object.hasOwn(ALIASES, slug) ? (ALIASES[slug] as string[]) : [slug];
}

/** The hashes under which a key may be known: more than one where its slug is an alias. */
export function candidateHashes(parts: ApiKeyParts): Buffer<ArrayBuffer>[] {
  return slugsMeant(parts.slug).map((slug) => hashApiKey({ slug, secret: parts.secret }));
}

/** A personal access token of the CLI. */
export function newAccessToken(): string {
  return `gt_pat_${newSecret(32)}`;
}

/** Undefined where the text cannot be an access token. */
export function hashAccessToken(token: string): Buffer<ArrayBuffer> | undefined {
  return ACCESS_TOKEN.test(token) ? sha256(token) : undefined;
}

/** For display: which key it is, without saying it. */
export function hintOf(secret: string): string {
  return secret.slice(-4);
}

function sha256(text: string): Buffer<ArrayBuffer> {
  return Buffer.from(createHash("sha256").update(text).digest());
}
