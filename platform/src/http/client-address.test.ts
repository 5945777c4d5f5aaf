import { expect, test } from "vitest";
import { clientAddress } from "./client-address.ts";

test.each([
  ["is the connection's without a proxy, whatever the header says", 0, "203.0.113.1", "10.0.0.1"],
  ["is the last of the header behind one proxy", 1, "203.0.113.1", "203.0.113.1"],
  ["is never what the client wrote itself", 1, "1.1.1.1, 203.0.113.1", "203.0.113.1"],
  ["is the last but one behind two", 2, "1.1.1.1, 203.0.113.1, 10.0.0.9", "203.0.113.1"],
  ["is the connection's where the header is too short", 2, "203.0.113.1", "10.0.0.1"],
  ["is the connection's where the header is no address", 1, "<script>", "10.0.0.1"],
  ["may be of IPv6", 1, "2001:db8::1", "2001:db8::1"],
])("the address %s", (_, hops, header, want) => {
  const request = { socket: { remoteAddress: "10.0.0.1" }, headers: { "x-forwarded-for": header } };
  expect(clientAddress(request as never, hops)).toBe(want);
});
