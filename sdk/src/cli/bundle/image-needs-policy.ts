import type { BuildLayer } from "../../build/extension.ts";

/** What the layers of build extensions ask of an image and of its environment. */
export interface ImageNeeds {
  /** Dockerfile lines, run as root; where there are any, Docker has to build the image. */
  instructions: string[];
  /** npm packages, name to version, beside the bundle. */
  packages: Record<string, string>;
  /** Variables to upload to the environment, one upload each. */
  variables: { values: Record<string, string>; secrets: Record<string, string>; override: boolean }[];
}

const DEBIAN_PACKAGE = /^[a-z0-9][a-z0-9+.-]*(:[a-z0-9]+)?([=/][A-Za-z0-9.+:~-]+)?$/;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Turns layers into Dockerfile lines, packages and variables. Pure. Error: a name that no Debian package or variable has. */
export function imageNeeds(layers: BuildLayer[]): ImageNeeds {
  const kept = lastOfEachId(layers);
  return {
    instructions: kept.flatMap((layer) => instructionsOf(layer)),
    packages: Object.assign({}, ...kept.map(({ dependencies }) => dependencies)) as Record<string, string>,
    variables: kept.filter((layer) => !changesImage(layer)).flatMap((layer) => variablesOf(layer)),
  };
}

/** A layer takes the place of an earlier one of its id, as in Trigger.dev. */
function lastOfEachId(layers: BuildLayer[]): BuildLayer[] {
  return [...new Map(layers.map((layer) => [layer.id, layer])).values()];
}

function changesImage({ image, commands }: BuildLayer): boolean {
  return (image?.pkgs?.length ?? 0) + (image?.instructions?.length ?? 0) + (commands?.length ?? 0) > 0;
}

function instructionsOf(layer: BuildLayer): string[] {
  if (!changesImage(layer)) return [];
  const { image, commands = [], build, deploy } = layer;
  return [
    ...assignments("ARG", build?.env),
    ...aptInstall(image?.pkgs ?? []),
    ...(image?.instructions ?? []),
    ...commands.map((command) => `RUN ${command}`),
    ...assignments("ENV", { ...deploy?.parentEnv, ...deploy?.env }),
  ];
}

function aptInstall(packages: string[]): string[] {
  if (packages.length === 0) return [];
  const wrong = packages.find((name) => !DEBIAN_PACKAGE.test(name));
  if (wrong !== undefined) throw new Error(`${JSON.stringify(wrong)} is not the name of a Debian package`);
  const names = [...packages].sort().join(" ");
  return [`RUN apt-get update && apt-get install -y --no-install-recommends ${names} && rm -rf /var/lib/apt/lists/*`];
}

function assignments(keyword: "ARG" | "ENV", env: Record<string, string | undefined> | undefined): string[] {
  return Object.entries(defined(env)).map(
    ([name, value]) => `${keyword} ${name}="${value.replace(/[\\"$]/g, "\\$&").replace(/\r?\n/g, " ")}"`,
  );
}

/** Gantry's environments have no parents: what is meant for one is set in the environment itself. */
function variablesOf({ deploy }: BuildLayer): ImageNeeds["variables"] {
  const values = { ...defined(deploy?.parentEnv), ...defined(deploy?.env) };
  const secrets = { ...defined(deploy?.secretParentEnv), ...defined(deploy?.secretEnv) };
  const isEmpty = Object.keys(values).length + Object.keys(secrets).length === 0;
  return isEmpty ? [] : [{ values, secrets, override: deploy?.override ?? false }];
}

function defined(env: Record<string, string | undefined> = {}): Record<string, string> {
  const wrong = Object.keys(env).find((name) => !VARIABLE.test(name));
  if (wrong !== undefined) throw new Error(`${JSON.stringify(wrong)} is not the name of a variable`);
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
