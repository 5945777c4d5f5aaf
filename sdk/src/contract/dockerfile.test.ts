import { expect, test } from "vitest";
import { dockerfile } from "./dockerfile.ts";

test("a Dockerfile runs what extensions ask for as root, then adds the layers, bottom first", () => {
  const text = dockerfile({
    baseImage: "registry.example/gantry/worker:1@sha256:abc",
    instructions: [
      "RUN apt-get update && apt-get install -y --no-install-recommends ffmpeg && rm -rf /var/lib/apt/lists/*",
      'ENV FFMPEG_PATH="/usr/bin/ffmpeg"',
    ],
    layerFiles: ["externals.tar.gz", "bundle.tar.gz"],
    env: { GANTRY_BUNDLE_ENTRY: "entry.mjs", GANTRY_BUNDLE_DIR: "/app/bundle" },
    labels: { "dev.gantry.project": 'a "quoted" $name' },
  });
  expect(text).toMatchInlineSnapshot(`
    "FROM registry.example/gantry/worker:1@sha256:abc
    USER root
    RUN apt-get update && apt-get install -y --no-install-recommends ffmpeg && rm -rf /var/lib/apt/lists/*
    ENV FFMPEG_PATH="/usr/bin/ffmpeg"
    USER 1000
    ADD ["externals.tar.gz","/"]
    ADD ["bundle.tar.gz","/"]
    ENV GANTRY_BUNDLE_DIR="/app/bundle"
    ENV GANTRY_BUNDLE_ENTRY="entry.mjs"
    LABEL dev.gantry.project="a \\"quoted\\" \\$name"
    "
  `);
});

test("without instructions nothing is run as root", () => {
  const text = dockerfile({
    baseImage: "worker",
    instructions: [],
    layerFiles: ["bundle.tar.gz"],
    env: {},
    labels: {},
  });
  expect(text).toBe('FROM worker\nADD ["bundle.tar.gz","/"]\n');
});
