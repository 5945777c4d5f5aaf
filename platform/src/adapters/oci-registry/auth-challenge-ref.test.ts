import { expect, test } from "vitest";
import { type AuthChallenge, parseAuthChallenge } from "./auth-challenge-ref.ts";

const CASES: Record<string, { header: string | undefined; want: AuthChallenge | undefined }> = {
  "no header asks for nothing": { header: undefined, want: undefined },
  basic: { header: 'Basic realm="Registry Realm"', want: { scheme: "basic" } },
  "bearer with its scope, which has commas of its own": {
    header: 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
    want: {
      scheme: "bearer",
      realm: "https://auth.docker.io/token",
      service: "registry.docker.io",
      scope: "repository:a/b:pull,push",
    },
  },
  "bearer without a service": {
    header: 'bearer realm="https://r/token"',
    want: { scheme: "bearer", realm: "https://r/token", service: undefined, scope: undefined },
  },
  "bearer is preferred": {
    header: 'Basic realm="x", Bearer realm="https://r/token"',
    want: { scheme: "bearer", realm: "https://r/token", service: undefined, scope: undefined },
  },
  "a scheme that nobody speaks": { header: "Negotiate", want: undefined },
};

test.each(Object.entries(CASES))("%s", (_sentence, { header, want }) => {
  expect(parseAuthChallenge(header)).toEqual(want);
});
