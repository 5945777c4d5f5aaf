import { describe, expect, test } from "vitest";
import { decideOrigin } from "./origin-policy.ts";

const asked = { method: "POST", host: "gantry.test:4400", origin: undefined, fetchSite: undefined };

describe("a request is the dashboard's own", () => {
  test.each([
    [true, "with the Origin of the host it was sent to", { origin: "http://gantry.test:4400" }, undefined],
    [true, "whatever the case of the host", { origin: "http://gantry.test:4400", host: "Gantry.Test:4400" }, undefined],
    [true, "with the Origin of the public address", { origin: "https://g.example" }, "https://g.example/"],
    [true, "with the public address's own port left out", { origin: "https://g.example" }, "https://g.example:443"],
    [false, "with another port", { origin: "http://gantry.test:4401" }, undefined],
    [false, "with a host that only begins alike", { origin: "http://gantry.test:4400.evil.example" }, undefined],
    [
      false,
      "with the Origin of the host, where the public address is another",
      { origin: "http://gantry.test:4400" },
      "https://g.example",
    ],
    [false, "with the Origin null", { origin: "null" }, undefined],
    [false, "with no Origin, where it changes something", {}, undefined],
    [true, "with no Origin, where it only reads", { method: "GET" }, undefined],
    [false, "where it says to come from another site", { method: "GET", fetchSite: "cross-site" }, undefined],
    [false, "where it comes from another port or subdomain", { method: "GET", fetchSite: "same-site" }, undefined],
    [true, "where a person typed its address", { method: "GET", fetchSite: "none" }, undefined],
    [true, "where the browser says so in its newer way", { fetchSite: "same-origin" }, undefined],
  ])("%s: %s", (want, _, change, publicUrl) => {
    expect(decideOrigin({ ...asked, ...change }, publicUrl).own).toBe(want);
  });
});
