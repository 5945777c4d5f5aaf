import { expect, test } from "vitest";
import type { EnvironmentRef } from "../projects/principal.ts";
import { imageRepository } from "./image-repository-ref.ts";

const CASES: Record<string, { ref: string; slug: string; want: string }> = {
  "plain names stay": { ref: "airports", slug: "prod", want: "gantry/airports-prod" },
  "a project may have dashes": { ref: "air-ports", slug: "prod", want: "gantry/air-ports-prod" },
  "what a registry refuses is replaced, and numbered": {
    ref: "proj_ABC",
    slug: "prod",
    want: "gantry/proj_abc-prod.e7",
  },
  "an underscore stays": { ref: "proj_abc", slug: "prod", want: "gantry/proj_abc-prod" },
  "several in a row become one": { ref: "__a___b-_c", slug: "prod", want: "gantry/a_b_c-prod.e7" },
  "a slug with a dash could be read in two ways": { ref: "a", slug: "b-c", want: "gantry/a-b-c.e7" },
  "a name without a letter that a registry takes": { ref: "数", slug: "prod", want: "gantry/x-prod.e7" },
};

test.each(Object.entries(CASES))("%s", (_sentence, { ref, slug, want }) => {
  expect(imageRepository("gantry", { projectRef: ref, slug, id: 7 } as EnvironmentRef)).toBe(want);
});
