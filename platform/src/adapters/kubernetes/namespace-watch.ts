import {
  type KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
  ListWatch,
  Watch,
} from "@kubernetes/client-node";
import type { JobObject, PodObject } from "../../cluster/cluster-facts.ts";
import type { RunsNamespace } from "./runs-namespace.ts";
import { type EventObject, slimEvent, slimJob, slimPod } from "./slim-objects.ts";

export interface NamespaceListener {
  jobSeen(job: JobObject): void;
  jobGone(job: JobObject): void;
  podSeen(pod: PodObject): void;
  podGone(pod: PodObject): void;
  eventSeen(event: EventObject): void;
  /** A watch could not be made or was refused; it is tried again. */
  failed(what: string, error: unknown): void;
}

/** An informer over objects as the API sends them: the library's types have dates where there is text. */
interface Informed<T> extends Pick<ListWatch<KubernetesObject>, "start" | "stop"> {
  on(verb: "add" | "update" | "delete", callback: (object: T) => void): void;
}

const FIRST_BACK_OFF_MS = 100;
const MAX_BACK_OFF_MS = 5_000;
const WARNINGS = "type=Warning";

/**
 * Watches Jobs, Pods and their warnings. Each watch goes on from where it was cut, which bookmarks keep fresh; where the
 * API has forgotten that place (410) all is listed anew. Nothing here ends for an error: it is tried again until `stop`.
 */
export class NamespaceWatch {
  readonly #watch: ResumableWatch;
  readonly #informers: Pick<ListWatch<KubernetesObject>, "start" | "stop">[];
  readonly #timers = new Set<NodeJS.Timeout>();
  #isStopped = false;

  constructor(namespace: RunsNamespace, listener: NamespaceListener) {
    this.#watch = new ResumableWatch(namespace.api.config);
    const { selector } = namespace;
    const jobs = this.#inform<JobObject>("jobs", namespace, () => namespace.listJobs(), selector, undefined, listener);
    jobs.on("add", (job) => listener.jobSeen(job));
    jobs.on("update", (job) => listener.jobSeen(job));
    jobs.on("delete", (job) => listener.jobGone(job));
    const pods = this.#inform<PodObject>("pods", namespace, () => namespace.listPods(), selector, undefined, listener);
    pods.on("add", (pod) => listener.podSeen(pod));
    pods.on("update", (pod) => listener.podSeen(pod));
    pods.on("delete", (pod) => listener.podGone(pod));
    const events = this.#inform<EventObject>(
      "events",
      namespace,
      () => listWarnings(namespace),
      undefined,
      WARNINGS,
      listener,
    );
    events.on("add", (event) => listener.eventSeen(event));
    events.on("update", (event) => listener.eventSeen(event));
    this.#informers = [jobs, pods, events];
  }

  /** Resolves when each has been listed once, or has failed to. */
  async start(): Promise<void> {
    await Promise.all(this.#informers.map((informer) => informer.start()));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all(this.#informers.map((informer) => informer.stop()));
    this.#watch.abort();
  }

  #inform<T>(
    kind: "jobs" | "pods" | "events",
    namespace: RunsNamespace,
    list: () => Promise<unknown>,
    labelSelector: string | undefined,
    fieldSelector: string | undefined,
    listener: NamespaceListener,
  ): Informed<T> {
    let backOffMs = FIRST_BACK_OFF_MS;
    const listFn = async () => {
      const listed = (await list()) as KubernetesListObject<KubernetesObject>;
      backOffMs = FIRST_BACK_OFF_MS;
      return listed;
    };
    const informer = new ListWatch<KubernetesObject>(
      namespace.path(kind),
      this.#watch,
      listFn,
      false,
      labelSelector,
      fieldSelector,
    );
    // The library stops at an error and leaves what follows to us.
    informer.on("error", (error: unknown) => {
      if (this.#isStopped) return;
      listener.failed(kind, error);
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        informer.start().catch((cause: unknown) => listener.failed(kind, cause));
      }, backOffMs);
      this.#timers.add(timer);
      backOffMs = Math.min(MAX_BACK_OFF_MS, backOffMs * 2);
    });
    return informer as unknown as Informed<T>;
  }
}

async function listWarnings(namespace: RunsNamespace) {
  const list = await namespace.listEvents<EventObject>(WARNINGS);
  return { ...list, items: list.items.map(slimEvent) };
}

const SLIM: Record<string, (object: never) => object> = { Job: slimJob, Pod: slimPod, Event: slimEvent };

/** The library's watch, with bookmarks, with only what is read of each object, and able to end at once. */
class ResumableWatch extends Watch {
  readonly #controllers = new Set<AbortController>();
  #isAborted = false;

  constructor(config: KubeConfig) {
    super(config);
  }

  override async watch(...[path, query, callback, done]: Parameters<Watch["watch"]>): Promise<AbortController> {
    const slimmed: typeof callback = (phase, object, watched) => {
      const slim = phase === "BOOKMARK" || phase === "ERROR" ? undefined : SLIM[object?.kind ?? ""];
      callback(phase, slim === undefined ? object : slim(object as never), watched);
    };
    let controller: AbortController | undefined;
    let isOver = false;
    const ended: typeof done = (error) => {
      isOver = true;
      if (controller !== undefined) this.#controllers.delete(controller);
      done(error);
    };
    try {
      controller = await super.watch(path, { ...query, allowWatchBookmarks: true }, slimmed, ended);
    } catch (error) {
      // No credentials, for one. Whoever made the watch waits for no promise: a rejection would end the process.
      controller = new AbortController();
      ended(error);
    }
    if (this.#isAborted) controller.abort();
    // One that could not be made has ended before it is here.
    else if (!isOver) this.#controllers.add(controller);
    return controller;
  }

  abort(): void {
    this.#isAborted = true;
    for (const controller of this.#controllers) controller.abort();
  }
}
