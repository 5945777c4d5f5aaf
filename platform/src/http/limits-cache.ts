import type { Limits } from "@gantry/sdk/contract";
import type { Clock } from "../clock.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import type { ProjectService } from "../projects/project-service.ts";

const TTL_MS = 5_000;

/** Limits of environments, asked for by every request; a change is seen within five seconds, at once where it was made here. */
export class LimitsCache {
  readonly #projects: Pick<ProjectService, "limits">;
  readonly #clock: Clock;
  readonly #known = new Map<number, { limits: Limits; untilMs: number }>();

  constructor(projects: Pick<ProjectService, "limits">, clock: Clock) {
    this.#projects = projects;
    this.#clock = clock;
  }

  /** Without a promise where they are known: the hot path asks twice. */
  peek(environment: EnvironmentRef): Limits | undefined {
    const known = this.#known.get(environment.id);
    return known !== undefined && known.untilMs > this.#clock.now() ? known.limits : undefined;
  }

  async get(environment: EnvironmentRef): Promise<Limits> {
    const known = this.peek(environment);
    if (known !== undefined) return known;
    const limits = await this.#projects.limits(environment);
    this.#known.set(environment.id, { limits, untilMs: this.#clock.now() + TTL_MS });
    return limits;
  }

  forget(environmentId: number): void {
    this.#known.delete(environmentId);
  }
}
