import type { SeededRandom } from "../../faults/support/seeded-random.ts";
import type { Outcome, Program } from "../fixtures/programs.ts";

export const PROGRAM_TASKS = ["program-hold", "program-auto", "program-leave", "program-replay"] as const;

/** A program of some ten parts, at most three deep; its waits are short. */
export function randomProgram(random: SeededRandom): Program {
  let names = 0;
  let left = 10;
  const name = (what: string) => `${what} ${names++}`;
  const many = (depth: number, low: number, high: number) =>
    Array.from({ length: Math.round(random.between(low, high)) }, () => part(depth));
  const leaf = (): Program => {
    const kind = random.pick(["step", "step", "wait", "caught"] as const);
    if (kind === "wait") return { do: "wait", ms: Math.round(random.between(0, 1200)) };
    if (kind === "caught") return { do: "caught", name: name("caught") };
    return { do: "step", name: name("step"), ms: Math.round(random.between(0, 60)) };
  };
  const part = (depth: number): Program => {
    left -= 1;
    if (depth === 0 || left <= 0) return leaf();
    const kind = random.pick(["leaf", "leaf", "leaf", "seq", "all", "race", "child"] as const);
    if (kind === "leaf") return leaf();
    if (kind === "child") return { do: "child", name: name("child"), program: part(depth - 1) };
    if (kind === "race") return { do: "race", name: name("race"), of: many(depth - 1, 2, 3) };
    return { do: kind, of: many(depth - 1, 2, 3) };
  };
  const of = many(3, 3, 5);
  // Beside others, a failing step would leave them at work when the next attempt begins.
  if (random.next() < 0.4) of.splice(1, 0, { do: "step", name: name("fails"), ms: 5, fails: random.pick([1, 2]) });
  return { do: "seq", of };
}

/** Where what a program returned is not what it must return. */
export function mismatches(program: Program, got: Outcome | undefined): string[] {
  const wrong = [`${JSON.stringify(got)} of ${JSON.stringify(program)}`];
  if (got === undefined) return wrong;
  switch (program.do) {
    case "seq":
    case "all":
      if (!Array.isArray(got) || got.length !== program.of.length) return wrong;
      return program.of.flatMap((part, n) => mismatches(part, got[n]));
    case "race":
      if (!("race" in got) || got.race !== program.name) return wrong;
      return mismatches(program.of[got.winner] as Program, got.got);
    case "step":
      return "made" in got && got.made === program.name ? [] : wrong;
    case "caught":
      return "caught" in got && got.caught === program.name ? [] : wrong;
    case "wait":
      return "waited" in got && got.waited === program.ms ? [] : wrong;
    case "child":
      return "child" in got && got.child === program.name ? mismatches(program.program, got.got) : wrong;
  }
}

/** The values that steps made, as far as they reached the output. */
export function nonces(got: Outcome): string[] {
  if (Array.isArray(got)) return got.flatMap(nonces);
  if ("nonce" in got) return [got.nonce];
  return "got" in got && "race" in got ? nonces(got.got) : [];
}
