import { describe, expect, test } from "vitest";
import { pageAfterSignIn, signOnProblem } from "./sign-in-words.ts";

describe("what the way back from the identity provider says", () => {
  test.each([
    ["nothing where all went well", "", undefined],
    ["the reason, where the rules gave one", "?error=SIGN_IN_REFUSED&reason=NO_ACCOUNT", /invite you/],
    ["the code's words without a reason", "?error=SINGLE_SIGN_ON_FAILED", /Try again/],
    ["something, whatever the code is", "?error=SOMETHING_NEW", /did not work/],
  ])("%s", (_, search, want) => {
    const said = signOnProblem(search);
    if (want === undefined) expect(said).toBeUndefined();
    else expect(said).toMatch(want);
  });
});

test.each([
  ["/projects/shop/prod/runs", "?status=FAILED", "/projects/shop/prod/runs?status=FAILED"],
  ["/sign-in", "?error=X", "/"],
  ["/setup", "", "/"],
])("after signing in at %s%s one goes on at %s", (pathname, search, want) => {
  expect(pageAfterSignIn({ pathname, search })).toBe(want);
});
