import { DEPLOY_PATHS } from "../contract/api/deploy-paths.ts";
import type { BuildDeploymentBody, BuildEvent, DeployTarget, Layer, PushAccess } from "../contract/api/index.ts";
import type { ApiClient } from "./api-client.ts";

/** A layer may be large and the way to the platform slow. */
const UPLOAD_TIMEOUT_MS = 30 * 60_000;

/** What `gantry deploy` asks of the platform, one function a request. Not part of the SDK's surface. */
export class DeployClient {
  readonly #api: ApiClient;

  constructor(api: ApiClient) {
    this.#api = api;
  }

  async target(): Promise<DeployTarget> {
    const request = { method: "GET", path: DEPLOY_PATHS.target, repeatable: "always" } as const;
    return (await this.#api.request<DeployTarget>(request)).data;
  }

  /** Which of the layers the registry lacks. */
  async missingLayers(digests: string[]): Promise<string[]> {
    const path = DEPLOY_PATHS.missingLayers;
    const request = { method: "POST", path, json: { digests }, repeatable: "always" } as const;
    return (await this.#api.request<{ missing: string[] }>(request)).data.missing;
  }

  /** `open` makes the layer's bytes anew for each attempt. */
  async uploadLayer({ digest, bytes }: Layer, open: () => ReadableStream<Uint8Array>): Promise<void> {
    await this.#api.request({
      method: "PUT",
      path: DEPLOY_PATHS.layer(digest),
      body: { contentType: "application/octet-stream", make: open, bytes },
      repeatable: "always",
      timeoutInMs: UPLOAD_TIMEOUT_MS,
    });
  }

  /** Builds, registers, promotes. The last event is `done` or `error`. */
  build(body: BuildDeploymentBody): AsyncGenerator<BuildEvent, void> {
    return this.#api.lines<BuildEvent>({
      method: "POST",
      path: DEPLOY_PATHS.build,
      json: body,
      repeatable: "undelivered",
    });
  }

  async pushAccess(): Promise<PushAccess> {
    const request = { method: "POST", path: DEPLOY_PATHS.pushAccess, repeatable: "always" } as const;
    return (await this.#api.request<PushAccess>(request)).data;
  }
}
