import { expect, test } from "vitest";
import { auditAction } from "./audit-action-ref.ts";

test.each([
  ["post", "/api/v2/runs/:runId/cancel", "runs.cancel"],
  ["post", "/api/v1/keys", "keys.create"],
  ["post", "/api/v1/keys/:keyId/revoke", "keys.revoke"],
  ["put", "/api/v1/users/:userId", "users.update"],
  ["put", "/api/v1/limits", "limits.update"],
  ["post", "/api/v1/tasks/:taskId/trigger", "tasks.trigger"],
  ["post", "/api/v1/auth/login", "auth.login"],
  ["post", "/api/v1/auth/sessions/revoke-others", "auth.sessions.revoke-others"],
  ["get", "/api/v1/auth/oidc/callback", "auth.oidc.callback"],
  ["delete", "/api/v1/projects/:projectRef/envvars/:environment/:name", "projects.envvars.delete"],
  ["post", "/api/v1/projects/:projectRef/envvars/:environment", "projects.envvars.create"],
  ["put", "/api/v1/runs/:runId/metadata", "runs.metadata.update"],
  ["post", "/api/v1/access-tokens", "access-tokens.create"],
])("%s %s is %s", (method, path, want) => {
  expect(auditAction(method, path)).toBe(want);
});
