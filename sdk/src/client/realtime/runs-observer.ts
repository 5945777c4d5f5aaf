import type { RunListReply } from "../../contract/api/runs.ts";
import { type LiveRun, REALTIME_SET_RUNS, type RealtimeTarget } from "../../contract/realtime.ts";
import type { ResolvedConfig } from "../configuration.ts";
import { reviveDates } from "../dates.ts";
import { send } from "../http.ts";
import type { AnyTask } from "../run-handle.ts";
import { LiveObserver, type LiveOptions } from "./live-observer.ts";
import type { RealtimeRun } from "./live-run.ts";
import type { LiveStatus } from "./live-state.ts";
import type { LiveMessage, LiveRequest } from "./live-subscriber.ts";
import { isNewer } from "./run-observer.ts";

export type RunSetTarget = Exclude<RealtimeTarget, { kind: "run" }>;

export interface RunsSnapshot<TTask extends AnyTask = AnyTask> extends LiveStatus {
  /** Newest first; a run that has not changed is the same object as before. Without payloads, outputs and errors. */
  runs: readonly RealtimeRun<TTask>[];
  /** False until the first word of them. */
  isLoaded: boolean;
  /** Grows when more changed than is sent one by one: look at the REST API then. Environments only. */
  staleCount: number;
}

const ENVIRONMENT_RUNS = 100;
const PAGE = 100;
const DAY_MS = 86_400_000;

/** Watches the runs with a tag, of a batch, or of the environment: the newest 500, or as many as `limit` says. */
export class RunsObserver<TTask extends AnyTask = AnyTask> extends LiveObserver<RunsSnapshot<TTask>> {
  readonly #target: RunSetTarget;

  constructor(target: RunSetTarget, options: LiveOptions) {
    super(options, {
      runs: [],
      isLoaded: false,
      staleCount: 0,
      error: undefined,
      connection: "connecting",
      connectionReason: "STARTING",
    });
    this.#target = target;
  }

  protected request(): LiveRequest {
    const known = this.latest.runs.flatMap(({ id, revision }) => (revision === undefined ? [] : [[id, revision]]));
    return {
      event: "subscribe",
      request: { target: this.#target, ...(known.length > 0 && { since: Object.fromEntries(known) }) },
    };
  }

  protected receive(message: LiveMessage): void {
    if (message.kind === "stale") this.change({ staleCount: this.latest.staleCount + 1 });
    if (message.kind === "update") this.#merge(message.runs, this.latest.runs);
    if (message.kind === "snapshot") {
      const kept = new Set(message.unchanged);
      this.#merge(
        message.runs,
        this.latest.runs.filter(({ id }) => kept.has(id)),
      );
    }
  }

  protected async poll(config: ResolvedConfig): Promise<boolean> {
    const found: LiveRun[] = [];
    const query = this.#query();
    for (let after: string | undefined; found.length < this.#limit; ) {
      const { data } = await send<RunListReply>(config, {
        method: "GET",
        path: "/api/v1/runs",
        query: { ...query, "page[size]": Math.min(PAGE, this.#limit - found.length), "page[after]": after },
        repeatable: "always",
      });
      found.push(...data.data.filter((run) => this.#isMember(run)));
      after = data.pagination.next;
      if (after === undefined) break;
    }
    const ids = new Set(found.map(({ id }) => id));
    return this.#merge(
      found,
      this.latest.runs.filter(({ id }) => ids.has(id)),
    );
  }

  get #limit(): number {
    return this.#target.kind === "environment" ? (this.#target.limit ?? ENVIRONMENT_RUNS) : REALTIME_SET_RUNS;
  }

  #query(): Record<string, string | number> {
    const target = this.#target;
    if (target.kind === "environment") return {};
    if (target.kind === "batch") return { "filter[batch]": target.batchId };
    const from = target.createdAfter === undefined ? Date.now() - DAY_MS : Date.parse(target.createdAfter);
    return { "filter[tag]": target.tags.join(","), "filter[createdAt][from]": from };
  }

  /** The list's filter finds runs that have any of the tags. */
  #isMember(run: LiveRun): boolean {
    const target = this.#target;
    return target.kind !== "tag" || target.tags.every((tag) => run.tags.includes(tag));
  }

  /** Returns whether anything is different. */
  #merge(changed: readonly LiveRun[], known: readonly RealtimeRun<TTask>[]): boolean {
    const runs = new Map(known.map((run) => [run.id, run]));
    let isDifferent = known.length !== this.latest.runs.length || !this.latest.isLoaded;
    for (const live of changed) {
      const before = runs.get(live.id);
      if (before !== undefined && (before.revision === live.revision || !isNewer(live, before))) continue;
      runs.set(live.id, reviveDates(live) as unknown as RealtimeRun<TTask>);
      isDifferent = true;
    }
    if (isDifferent) {
      const newestFirst = [...runs.values()].sort(byAge).slice(0, this.#limit);
      this.change({ runs: newestFirst, isLoaded: true });
    }
    return isDifferent;
  }
}

function byAge(a: RealtimeRun, b: RealtimeRun): number {
  return b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? 1 : -1);
}
