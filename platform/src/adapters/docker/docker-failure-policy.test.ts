import { expect, test } from "vitest";
import { meaningOfPull, meaningOfPush } from "./docker-failure-policy.ts";

test.each([
  [
    "manifest for localhost:5000/gantry/nothing:1 not found: manifest unknown: manifest unknown",
    "BASE_IMAGE_NOT_FOUND",
  ],
  [
    "pull access denied for acme/x, repository does not exist or may require 'docker login': denied",
    "BASE_IMAGE_NOT_FOUND",
  ],
  ['Get "http://localhost:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused', "REGISTRY_UNAVAILABLE"],
  ['Head "http://localhost:5000/v2/x/manifests/1": no basic auth credentials', "REGISTRY_DENIED"],
  ["unauthorized: authentication required", "REGISTRY_DENIED"],
  ["no matching manifest for linux/amd64 in the manifest list entries", "WRONG_ARCHITECTURE"],
])("a pull that says %j", (message, want) => {
  expect(meaningOfPull(message)).toBe(want);
});

test.each([
  ["denied: requested access to the resource is denied", "REGISTRY_DENIED"],
  ["received unexpected HTTP status: 503 Service Unavailable", "REGISTRY_UNAVAILABLE"],
])("a push that says %j", (message, want) => {
  expect(meaningOfPush(message)).toBe(want);
});
