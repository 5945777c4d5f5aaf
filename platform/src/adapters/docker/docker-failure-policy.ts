import type { ErrorCode } from "../../errors.ts";

/** What an Engine's message about a pull or a push means; it has no codes. In this order. Pure. */
const MEANINGS: [pattern: RegExp, code: ErrorCode][] = [
  [/no matching manifest|does not match the specified platform/i, "WRONG_ARCHITECTURE"],
  [
    /does not exist or may require|manifest.*(unknown|not found)|not found|no such image|name unknown/i,
    "BASE_IMAGE_NOT_FOUND",
  ],
  [/unauthorized|denied|authentication required|no basic auth/i, "REGISTRY_DENIED"],
  [/./, "REGISTRY_UNAVAILABLE"],
];

export function meaningOfPull(message: string): ErrorCode {
  return MEANINGS.find(([pattern]) => pattern.test(message))?.[1] ?? "REGISTRY_UNAVAILABLE";
}

/** The same for a push, where nothing can be missing. */
export function meaningOfPush(message: string): ErrorCode {
  return /unauthorized|denied|authentication required|no basic auth/i.test(message)
    ? "REGISTRY_DENIED"
    : "REGISTRY_UNAVAILABLE";
}
