import { expect, test } from "vitest";
import { type ImageReference, parseImageReference, registryUrl } from "./image-reference-ref.ts";

const digest = `sha256:${"a".repeat(64)}`;
const CASES: Record<string, { text: string; want: ImageReference | undefined }> = {
  "a bare name is an official image of Docker Hub": {
    text: "node",
    want: { registry: "docker.io", repository: "library/node", reference: "latest" },
  },
  "a tag is kept": {
    text: "node:24-bookworm-slim",
    want: { registry: "docker.io", repository: "library/node", reference: "24-bookworm-slim" },
  },
  "a user's image of Docker Hub": {
    text: "acme/worker:1",
    want: { registry: "docker.io", repository: "acme/worker", reference: "1" },
  },
  "a port belongs to the registry": {
    text: "localhost:5000/gantry/worker",
    want: { registry: "localhost:5000", repository: "gantry/worker", reference: "latest" },
  },
  "a port and a tag": {
    text: "localhost:5000/gantry/worker:dev",
    want: { registry: "localhost:5000", repository: "gantry/worker", reference: "dev" },
  },
  "a digest wins over a tag": {
    text: `ghcr.io/acme/worker:1@${digest}`,
    want: { registry: "ghcr.io", repository: "acme/worker", reference: digest },
  },
  "upper case is no repository": { text: "ghcr.io/Acme/worker", want: undefined },
  "a scheme is no image": { text: "https://ghcr.io/acme/worker", want: undefined },
  "an empty text is no image": { text: "", want: undefined },
  "a path that climbs is no image": { text: "ghcr.io/../etc", want: undefined },
  "half a digest is no image": { text: "node@sha256:abc", want: undefined },
};

test.each(Object.entries(CASES))("%s", (_sentence, { text, want }) => {
  expect(parseImageReference(text)).toEqual(want);
});

test("a registry on this machine is asked over plain HTTP, all others are not", () => {
  expect(["localhost:5000", "127.0.0.1:1", "ghcr.io", "docker.io", "localhost.evil.com"].map(registryUrl)).toEqual([
    "http://localhost:5000",
    "http://127.0.0.1:1",
    "https://ghcr.io",
    "https://registry-1.docker.io",
    "https://localhost.evil.com",
  ]);
});
