import type { Grant } from "@gantry/sdk/contract";
import type { WorkerLink } from "./worker-service.ts";

/** What was given to a worker and is not known to have ended. */
export interface Assignment {
  link: WorkerLink;
  environmentId: number;
  executionId: string;
  fence: string;
  runId: string;
  attempt: number;
  startedAt: number;
  /** Set for an execution that only runs onFailure. */
  isHook: boolean;
  /** It was parked, and its worker has not heard yet that it has its slot again. */
  isParked?: boolean;
}

interface Connected {
  link: WorkerLink;
  free: number;
}

/** The workers connected to this platform, how much room they have, and what they were given. In memory: a lost entry costs a lease at most. */
export class ConnectedWorkers {
  readonly #byWorker = new Map<string, Connected>();
  readonly #assignments = new Map<string, Assignment>();
  /** Executions that a worker said it has when it came from another replica. */
  readonly #brought = new Map<string, WorkerLink>();

  add(link: WorkerLink): void {
    this.#byWorker.set(link.workerId, { link, free: 0 });
  }

  remove(link: WorkerLink): void {
    if (this.#byWorker.get(link.workerId)?.link === link) this.#byWorker.delete(link.workerId);
    for (const [executionId, known] of this.#brought) if (known === link) this.#brought.delete(executionId);
  }

  /** What the worker has, whoever gave it. */
  brings(link: WorkerLink, executionIds: Iterable<string>): void {
    for (const executionId of executionIds) this.#brought.set(executionId, link);
  }

  /** The connection of the worker that has the execution; undefined where it is not connected here. */
  linkOf(executionId: string): WorkerLink | undefined {
    const assigned = this.#assignments.get(executionId)?.link;
    if (assigned !== undefined && this.#byWorker.get(assigned.workerId)?.link === assigned) return assigned;
    return this.#brought.get(executionId) ?? this.launchedFor(executionId);
  }

  isConnected(workerId: string): boolean {
    return this.#byWorker.has(workerId);
  }

  /** Grants still on their way are already taken off by the channel. */
  setFree(link: WorkerLink, free: number): void {
    const worker = this.#byWorker.get(link.workerId);
    if (worker?.link === link) worker.free = free;
  }

  /** Room by version, for those of an environment. */
  room(environmentId: number): Map<string, number> {
    const room = new Map<string, number>();
    for (const { link, free } of this.#byWorker.values()) {
      if (link.environmentId !== environmentId || link.executionId !== undefined || free <= 0) continue;
      room.set(link.deploymentId, (room.get(link.deploymentId) ?? 0) + free);
    }
    return room;
  }

  /** The worker of this version with the most room; undefined where none has any. */
  pick(environmentId: number, deploymentId: string): WorkerLink | undefined {
    let best: Connected | undefined;
    for (const worker of this.#byWorker.values()) {
      const { link, free } = worker;
      if (link.environmentId !== environmentId || link.deploymentId !== deploymentId || free <= 0) continue;
      // Launched for one execution: it takes no other.
      if (link.executionId !== undefined) continue;
      if (best === undefined || free > best.free) best = worker;
    }
    return best?.link;
  }

  /** The worker that was launched for this execution alone. */
  launchedFor(executionId: string): WorkerLink | undefined {
    for (const { link } of this.#byWorker.values()) if (link.executionId === executionId) return link;
    return undefined;
  }

  /** The executions of workers that were launched for one each, and have not been given it. */
  waitingOwn(): string[] {
    return [...this.#byWorker.values()].flatMap(({ link, free }) =>
      link.executionId !== undefined && free > 0 ? [link.executionId] : [],
    );
  }

  freeOf(link: WorkerLink): number {
    const worker = this.#byWorker.get(link.workerId);
    return worker?.link === link ? worker.free : 0;
  }

  /** Takes room and remembers what was given; the caller sends the grants. */
  assign(link: WorkerLink, grants: { grant: Grant; runId: string; isHook: boolean }[]): void {
    const worker = this.#byWorker.get(link.workerId);
    if (worker !== undefined) worker.free -= grants.length;
    for (const { grant, runId, isHook } of grants) {
      this.#assignments.set(grant.executionId, {
        link,
        environmentId: link.environmentId,
        executionId: grant.executionId,
        fence: grant.fence,
        runId,
        attempt: grant.attempt,
        startedAt: Date.now(),
        isHook,
      });
    }
  }

  assignment(executionId: string): Assignment | undefined {
    return this.#assignments.get(executionId);
  }

  nextAttempt(executionId: string, attempt: number, startsAt: number): void {
    const assignment = this.#assignments.get(executionId);
    if (assignment === undefined) return;
    assignment.attempt = attempt;
    assignment.startedAt = startsAt;
  }

  setParked(executionId: string, isParked: boolean): void {
    const assignment = this.#assignments.get(executionId);
    if (assignment !== undefined) assignment.isParked = isParked;
  }

  release(executionId: string): void {
    this.#assignments.delete(executionId);
    this.#brought.delete(executionId);
  }

  /** What this worker was given and says, on coming back, that it does not have: grants that were lost on the way. */
  missing(link: WorkerLink, has: ReadonlySet<string>): Assignment[] {
    return [...this.#assignments.values()].filter(
      (one) => one.link.workerId === link.workerId && !has.has(one.executionId),
    );
  }

  adopt(link: WorkerLink): void {
    for (const one of this.#assignments.values()) if (one.link.workerId === link.workerId) one.link = link;
  }

  links(): WorkerLink[] {
    return [...this.#byWorker.values()].map((worker) => worker.link);
  }

  /**
   * Drops what was given to workers that are gone: they end it by another replica, or no lease ends it (a hook). One that
   * comes back here all the same is asked for in the database.
   */
  forgetGone(givenBefore: number): void {
    for (const one of this.#assignments.values()) {
      if (one.startedAt < givenBefore && !this.isConnected(one.link.workerId)) this.release(one.executionId);
    }
  }

  get assigned(): number {
    return this.#assignments.size;
  }
}
