/** The steps of a deploy, in their order. A layer is `PUT` as application/octet-stream with its length. */
export const DEPLOY_PATHS = {
  target: "/api/v1/deployments/target",
  missingLayers: "/api/v1/deployments/layers/missing",
  layer: (digest: string) => `/api/v1/deployments/layers/${digest}`,
  build: "/api/v1/deployments/build",
  /** `POST`, for `--local-build`. */
  pushAccess: "/api/v1/deployments/push-access",
  /** `POST`: removes images that no run and no recent version needs. */
  prune: "/api/v1/deployments/prune",
} as const;
