const VERBS: Record<string, string> = { post: "create", put: "update", delete: "delete", patch: "update", get: "read" };

/**
 * A route's name in the audit log, from its method and path: `POST /api/v2/runs/:runId/cancel` is `runs.cancel`,
 * `POST /api/v1/keys` is `keys.create`, `PUT /api/v1/users/:userId` is `users.update`. A path that ends with a word ends
 * with what is done; one that ends with a thing's name or id gets the method's verb.
 */
export function auditAction(method: string, path: string): string {
  const parts = path.replace(/^\/api\/v\d+\//, "").split("/");
  const words = parts.filter((part) => part !== "" && !/^[:*]/.test(part));
  const verb = VERBS[method.toLowerCase()] ?? method.toLowerCase();
  // The last word behind another (`runs/:runId/cancel`, `auth/login`) is what is done, where one posts to it or is led there.
  const isDeed = words.length > 1 && parts.at(-1) === words.at(-1) && /^(post|get)$/i.test(method);
  return [...words, ...(isDeed ? [] : [verb])].map((word) => word.replaceAll(/[^\w-]/g, "")).join(".");
}
