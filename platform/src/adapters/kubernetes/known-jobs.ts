import type {
  JobFacts,
  JobObject,
  ObjectMeta,
  PodFacts,
  PodObject,
  WarningEvent,
} from "../../cluster/cluster-facts.ts";
import { executionOf, jobName } from "../../cluster/job-manifest.ts";
import type { EventObject } from "./slim-objects.ts";

interface KnownPod extends PodFacts {
  seenAt: number;
}

/** What is known of one execution's Job, and what was said of it. Instants are milliseconds since the epoch. */
export interface KnownJob extends JobFacts {
  readonly executionId: string;
  readonly epoch: number;
  /** The Job's name. */
  readonly name: string;
  readonly pods: KnownPod[];
  /** When the Job itself was first seen; its pods or events may come before it. */
  jobSeenAt: number | undefined;
  madeAt: number;
  /** What was told last. */
  told: { what: string; message: string; at: number } | undefined;
  /** Its last word was said: nothing more is told. */
  isSettled: boolean;
  /** When it was first seen to be over. */
  overAt: number | undefined;
  /** When its execution was first found not to be live. */
  orphanSince: number | undefined;
}

const EVENTS_KEPT = 8;
/** Events outlive their Jobs by an hour: an entry that nothing else came for is dropped. */
const STRAY_MS = 60_000;

/** The Jobs of the namespace with their pods and events, by execution. In memory, rebuilt from a list at any time. */
export class KnownJobs {
  readonly #jobs = new Map<string, KnownJob>();
  readonly #events = new Map<string, Map<string, WarningEvent[]>>();

  get all(): Iterable<KnownJob> {
    return this.#jobs.values();
  }

  get(executionId: string): KnownJob | undefined {
    return this.#jobs.get(executionId);
  }

  /** Each returns the Job that is concerned; undefined where the object is not one of ours. */
  jobSeen(job: JobObject, now: number): KnownJob | undefined {
    const known = this.#of(job.metadata.name, now);
    if (known === undefined || isOlder(job.metadata, known.job?.metadata)) return undefined;
    known.jobSeenAt ??= now;
    known.job = job;
    return known;
  }

  jobGone(name: string): KnownJob | undefined {
    const known = this.#known(name);
    if (known !== undefined) known.job = undefined;
    return known;
  }

  podSeen(pod: PodObject, isGone: boolean, now: number): KnownJob | undefined {
    const { name } = pod.metadata;
    const known = isGone ? this.#known(name) : this.#of(name, now);
    if (known === undefined) return undefined;
    const before = known.pods.find((each) => each.pod.metadata.name === name);
    if (before === undefined) known.pods.push({ pod, isGone, seenAt: now, events: this.#eventsOf(known, name) });
    else if (isOlder(pod.metadata, before.pod.metadata)) return undefined;
    else Object.assign(before, { pod, isGone: before.isGone || isGone });
    return known;
  }

  eventSeen(event: EventObject, now: number): KnownJob | undefined {
    const { name = "" } = event.involvedObject;
    const known = this.#of(name, now);
    if (known === undefined) return undefined;
    const events = this.#eventsOf(known, name);
    const warning = warningOf(event);
    const same = events.findIndex(({ reason, message }) => reason === warning.reason && message === warning.message);
    if (same >= 0) events.splice(same, 1);
    events.push(warning);
    if (events.length > EVENTS_KEPT) events.shift();
    return known;
  }

  /** Forgets what is gone from the API and was spoken of, and what was never more than an event. */
  forgetGone(now: number): void {
    for (const { executionId, job, jobSeenAt, madeAt, pods, isSettled } of this.#jobs.values()) {
      const isGone = job === undefined && pods.every((pod) => pod.isGone);
      const isStray = jobSeenAt === undefined && now - madeAt > STRAY_MS;
      if (!isGone || !(isSettled || isStray)) continue;
      this.#jobs.delete(executionId);
      this.#events.delete(executionId);
    }
  }

  clear(): void {
    this.#jobs.clear();
    this.#events.clear();
  }

  #known(name: string): KnownJob | undefined {
    const of = executionOf(name);
    return of && this.#jobs.get(of.executionId);
  }

  #of(name: string, now: number): KnownJob | undefined {
    const of = executionOf(name);
    if (of === undefined) return undefined;
    const known = this.#jobs.get(of.executionId);
    if (known !== undefined) return known;
    const job = jobName(of.epoch, of.executionId);
    const events: WarningEvent[] = [];
    this.#events.set(of.executionId, new Map([[job, events]]));
    const made: KnownJob = {
      ...of,
      name: job,
      job: undefined,
      events,
      pods: [],
      jobSeenAt: undefined,
      madeAt: now,
      told: undefined,
      isSettled: false,
      overAt: undefined,
      orphanSince: undefined,
    };
    this.#jobs.set(of.executionId, made);
    return made;
  }

  #eventsOf({ executionId }: KnownJob, object: string): WarningEvent[] {
    const byObject = this.#events.get(executionId) ?? new Map<string, WarningEvent[]>();
    this.#events.set(executionId, byObject);
    const events = byObject.get(object) ?? [];
    byObject.set(object, events);
    return events;
  }
}

/** A list that was asked for earlier may arrive after the watch told more. */
function isOlder(one: ObjectMeta, other: ObjectMeta | undefined): boolean {
  return other?.uid === one.uid && Number(one.resourceVersion) < Number(other?.resourceVersion);
}

function warningOf({ reason = "", message = "", lastTimestamp, eventTime, metadata }: EventObject): WarningEvent {
  const at = Date.parse(lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? "") || 0;
  return { reason, message, at };
}
