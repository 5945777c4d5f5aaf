import { expect, test } from "vitest";
import { findings } from "./hygiene.mjs";

const found = {
  "a registry's host in a lockfile": ["package-lock.json", '"resolved": "https://registry.npmjs.org/x"'],
  "a path of one machine": ["docs/start.md", "cd /root/gantry"],
  "a private key": ["k8s/tls.yaml", "-----BEGIN RSA PRIVATE KEY-----"],
  "a key in docs": ["README.md", "GANTRY_SECRET_KEY=gt_dev_sk_0123456789abcdefghijABCD"],
  "the environment read in a service": ["platform/src/runs/runs.ts", "const port = process.env.PORT"],
};
const fine = {
  "a key in a test": ["platform/src/config.test.ts", "gt_dev_sk_0123456789abcdefghijABCD"],
  "a shortened key in docs": ["README.md", "GANTRY_SECRET_KEY=gt_dev_sk_…"],
  "the environment read in config.ts": ["platform/src/config.ts", "process.env"],
  "the environment read by the SDK": ["sdk/src/client/configuration.ts", "process.env.GANTRY_API_URL"],
};

test.each(Object.entries(found))("%s is reported with its line", (_sentence, [file, line]) => {
  expect(findings(file, `first\n${line}\n`)).toEqual([expect.stringContaining(`${file}:2 `)]);
});

test.each(Object.entries(fine))("%s is fine", (_sentence, [file, line]) => {
  expect(findings(file, line)).toEqual([]);
});
