import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const css = readFileSync(join(import.meta.dirname, "tokens.css"), "utf8");
const tokens = new Map(
  [...css.matchAll(/--([\w-]+): (?:light-dark\((#\w{6}), (#\w{6})\)|(#\w{6}));/g)].map(
    ([, name, light, dark, both]) => [
      name as string,
      { light: (light ?? both) as string, dark: (dark ?? both) as string },
    ],
  ),
);

/** WCAG 2's relative luminance. */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.040_45 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].toSorted((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

const SURFACES = ["bg", "surface", "surface-2", "surface-3"];
const TONES = ["neutral", "info", "success", "danger", "warning", "wait"];
const PAIRS: [text: string, surface: string, least: number][] = [
  ...["text", "text-2", "text-3", "accent-text"].flatMap((text) =>
    SURFACES.map((surface): [string, string, number] => [text, surface, 4.5]),
  ),
  ...TONES.flatMap((tone): [string, string, number][] => [
    [`${tone}-text`, `${tone}-soft`, 4.5],
    ...SURFACES.map((surface): [string, string, number] => [`${tone}-text`, surface, 4.5]),
    [`${tone}-solid`, "surface", 2.5],
  ]),
  ["text", "accent-soft", 4.5],
  ["text-2", "accent-soft", 4.5],
  ["text-3", "accent-soft", 4.5],
  ["accent-text", "accent-soft", 4.5],
  ["on-accent", "accent", 4.5],
  ["on-accent", "accent-hover", 4.5],
  ["on-accent", "danger-fill", 4.5],
  ["on-accent", "danger-fill-hover", 4.5],
  ["text", "selection", 4.5],
  ["focus", "surface", 3],
  ["focus", "surface-3", 3],
  ["control-border", "surface", 3],
];

describe.each(["light", "dark"] as const)("in %s colours", (theme) => {
  test.each(PAIRS)("%s stands out on %s by %s to 1", (text, surface, least) => {
    const [a, b] = [tokens.get(text)?.[theme], tokens.get(surface)?.[theme]];
    expect(a && b && contrast(a, b)).toBeGreaterThanOrEqual(least);
  });
});
