import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "..");
/** Stamps and locks of the build; npm ci removes them together with what they speak of. */
export const CACHE = join(ROOT, "node_modules", ".cache", "gantry");
