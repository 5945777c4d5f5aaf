import { expect, test } from "vitest";
import { parseSearch, stringifySearch } from "./search-params.ts";

test("parameters survive the address, and what is empty leaves it", () => {
  const said = stringifySearch({
    status: ["FAILED", "CRASHED"],
    tag: "a&b=c,ü/x",
    none: undefined,
    empty: "",
    page: 2,
  });
  expect(said).toBe("?status=FAILED,CRASHED&tag=a%26b%3Dc,%C3%BC/x&page=2");
  expect(parseSearch(said)).toEqual({ status: "FAILED,CRASHED", tag: "a&b=c,ü/x", page: "2" });
  expect(stringifySearch({ a: undefined })).toBe("");
});
