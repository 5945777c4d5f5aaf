import type { EnvironmentRef } from "../projects/principal.ts";

/**
 * The environment's own repository, `gantry/airports-prod`: no two environments share one. Names that a registry would
 * not take, or that could be read in two ways, get the environment's number behind them.
 */
export function imageRepository(prefix: string, { projectRef, slug, id }: EnvironmentRef): string {
  const project = part(projectRef);
  const environment = part(slug);
  const isPlain = project === projectRef && environment === slug && /^[a-z0-9]+$/.test(slug);
  return `${prefix}/${project}-${environment}${isPlain ? "" : `.e${id}`}`;
}

function part(text: string): string {
  const plain = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]*_[^a-z0-9]*/g, "_")
    .replaceAll(/[^a-z0-9_]+/g, "-")
    .replaceAll(/^[-_]+|[-_]+$/g, "");
  return plain.slice(0, 80).replace(/[-_]+$/, "") || "x";
}
