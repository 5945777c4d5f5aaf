import type { RunListItem } from "@gantry/sdk";

/** A page of runs, newest first, after a run's id. Rejects as the API does. */
export type FetchRuns = (
  page: { after: string | undefined; limit: number },
  signal: AbortSignal,
) => Promise<FetchedRuns>;
export interface FetchedRuns {
  runs: RunListItem[];
  hasMore: boolean;
}

export interface RunWindowState {
  /** Newest first, without gaps: from the newest known run to where somebody has scrolled. */
  rows: readonly RunListItem[];
  /** New runs that wait to be shown, newest first. */
  waiting: readonly RunListItem[];
  isLoaded: boolean;
  isLoadingMore: boolean;
  hasMore: boolean;
  error: unknown;
}

interface RunWindowOptions {
  fetch: FetchRuns;
  /** Whether a run that is heard of belongs to the list. */
  matches: (run: RunListItem) => boolean | "unknown";
}

const PAGE = 100;
/** So many pages are read to close the gap between what is new and what is known; beyond that the list begins anew. */
const HEAD_PAGES = 3;

/**
 * The part of a long list of runs that has been looked at. It grows downwards by pages, and upwards as runs are made: in
 * place while its top is in sight, else they wait until they are asked for, so that nothing moves under a reader's eyes.
 *
 * Ids sort by the time of making, and every page is a stretch of ids. A page that is read again replaces exactly the stretch
 * it covers: what is missing in it has left the list, and neither gaps nor doubles can come of it.
 */
export class RunWindow {
  readonly #options: RunWindowOptions;
  readonly #listeners = new Set<() => void>();
  readonly #abort = new AbortController();
  #state: RunWindowState = {
    rows: [],
    waiting: [],
    isLoaded: false,
    isLoadingMore: false,
    hasMore: false,
    error: undefined,
  };
  #isTopInSight = true;
  #head: Promise<void> | undefined;
  #nextHead: Promise<void> | undefined;
  /** Runs that were heard of, belong between those that are known, and are not among them. */
  #missing: ReadonlySet<string> = new Set();
  /** Where the list was scrolled to, for who comes back to it; pixels. */
  scrollTop = 0;

  constructor(options: RunWindowOptions) {
    this.#options = options;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
  readonly getSnapshot = (): RunWindowState => this.#state;

  /** Reads what is newest, again if it was read before. Those who ask meanwhile share the next reading: this one may be too old. */
  refreshHead(): Promise<void> {
    if (this.#head !== undefined) {
      this.#nextHead ??= this.#head.then(() => {
        this.#nextHead = undefined;
        return this.refreshHead();
      });
      return this.#nextHead;
    }
    this.#head = this.#readHead().finally(() => {
      this.#head = undefined;
    });
    return this.#head;
  }

  /** Reads the next older page, unless that is being done or there is none. */
  async loadMore(): Promise<void> {
    const { rows, hasMore, isLoadingMore } = this.#state;
    if (!hasMore || isLoadingMore) return;
    this.#set({ isLoadingMore: true });
    await this.#guarded(async (signal) => {
      const page = await this.#options.fetch({ after: rows.at(-1)?.id, limit: PAGE }, signal);
      this.#set({ rows: merged(this.#state.rows, page.runs, rows.at(-1)?.id, page.hasMore), hasMore: page.hasMore });
    });
    this.#set({ isLoadingMore: false });
  }

  /** Reads again what is in sight: rows `from` to `to`. */
  async refreshRange(from: number, to: number): Promise<void> {
    const { rows } = this.#state;
    const after = rows[from - 1]?.id;
    if (after === undefined) return this.refreshHead();
    await this.#guarded(async (signal) => {
      const limit = Math.min(PAGE, Math.max(1, to - from + 1));
      const page = await this.#options.fetch({ after, limit }, signal);
      this.#set({
        rows: merged(this.#state.rows, page.runs, after, page.hasMore),
        ...(page.hasMore ? {} : { hasMore: false }),
      });
    });
  }

  /**
   * Takes in the newest runs of the environment as they are now, as the socket tells of them. Returns whether the head should
   * be read: more may have come than is told, a run became visible after a newer one, or something that only the platform can
   * tell belongs here.
   */
  hear(runs: readonly RunListItem[]): boolean {
    if (!this.#state.isLoaded || runs.length === 0) return false;
    const known = new Map([...this.#state.rows, ...this.#state.waiting].map((run) => [run.id, run]));
    const changed = new Map<string, RunListItem>();
    const fresh: RunListItem[] = [];
    const newestId = this.#newestId();
    const isConnected = newestId !== undefined && runs.some(({ id }) => id <= newestId);
    const missing = new Set<string>();
    let isUnclear = !isConnected;
    for (const run of runs) {
      const before = known.get(run.id);
      if (before !== undefined) {
        if ((run.revision ?? 0) > (before.revision ?? 0)) changed.set(run.id, run);
      } else if (isConnected && run.id > newestId) {
        const belongs = this.#options.matches(run);
        if (belongs === "unknown") isUnclear = true;
        else if (belongs) fresh.push(run);
      } else if (isConnected && this.#isWithin(run.id) && this.#options.matches(run) !== false) {
        // Once for each: the platform may say that it does not belong here.
        missing.add(run.id);
        if (!this.#missing.has(run.id)) isUnclear = true;
      }
    }
    this.#missing = missing;
    if (changed.size > 0) {
      const renew = (run: RunListItem) => changed.get(run.id) ?? run;
      this.#set({ rows: this.#state.rows.map(renew), waiting: this.#state.waiting.map(renew) });
    }
    if (fresh.length > 0) this.#add(fresh.sort(newestFirst));
    return isUnclear;
  }

  /** Whether the first row can be seen. */
  setTopInSight(isInSight: boolean): void {
    this.#isTopInSight = isInSight;
    if (isInSight && this.#state.waiting.length > 0) this.showWaiting();
  }

  showWaiting(): void {
    this.#set({ rows: [...this.#state.waiting, ...this.#state.rows], waiting: [] });
  }

  /** Ends requests that are under way. */
  close(): void {
    this.#abort.abort(new DOMException("the list was left", "AbortError"));
  }

  #newestId(): string | undefined {
    return (this.#state.waiting[0] ?? this.#state.rows[0])?.id;
  }

  /** Between the newest run that is known and the oldest. */
  #isWithin(id: string): boolean {
    const { rows, hasMore } = this.#state;
    return !hasMore || id > (rows.at(-1)?.id ?? "");
  }

  #add(fresh: readonly RunListItem[]): void {
    const { rows, waiting } = this.#state;
    if (this.#isTopInSight || rows.length === 0) this.#set({ rows: [...fresh, ...waiting, ...rows], waiting: [] });
    else this.#set({ waiting: [...fresh, ...waiting] });
  }

  #readHead(): Promise<void> {
    return this.#guarded(async (signal) => {
      const { rows, waiting, isLoaded } = this.#state;
      const newestId = this.#newestId();
      const first = await this.#options.fetch({ after: undefined, limit: PAGE }, signal);
      const found = [...first.runs];
      let { hasMore } = first;
      for (let pages = 1; isLoaded && hasMore && newestId !== undefined && isAbove(found, newestId); pages++) {
        if (pages >= HEAD_PAGES) return this.#begin(found, true);
        const next = await this.#options.fetch({ after: found.at(-1)?.id, limit: PAGE }, signal);
        found.push(...next.runs);
        hasMore = next.hasMore;
      }
      if (rows.length + waiting.length === 0 || !isLoaded) return this.#begin(found, hasMore);
      this.#place(found, hasMore);
    });
  }

  /** Replaces what the found stretch covers, and adds what is newer than all that was known. */
  #place(found: RunListItem[], hasMore: boolean): void {
    const newestId = this.#newestId() as string;
    const { rows, waiting } = this.#state;
    const fresh = found.filter(({ id }) => id > newestId);
    const topId = rows[0]?.id ?? "";
    const nextWaiting = merged(
      waiting,
      found.filter(({ id }) => id <= newestId && id > topId),
      undefined,
      true,
      topId,
    );
    const nextRows = merged(
      rows,
      found.filter(({ id }) => id <= topId),
      undefined,
      hasMore,
    );
    const isAll = !hasMore;
    this.#set({ rows: nextRows, waiting: nextWaiting, error: undefined, ...(isAll ? { hasMore: false } : {}) });
    if (fresh.length > 0) this.#add(fresh);
  }

  #begin(rows: readonly RunListItem[], hasMore: boolean): void {
    this.#set({ rows, waiting: [], hasMore, isLoaded: true, error: undefined });
  }

  async #guarded(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { signal } = this.#abort;
    try {
      await work(signal);
    } catch (error) {
      if (!signal.aborted) this.#set({ error });
    }
  }

  #set(patch: Partial<RunWindowState>): void {
    if (this.#abort.signal.aborted) return;
    this.#state = { ...this.#state, ...patch };
    for (const listener of this.#listeners) listener();
  }
}

const newestFirst = (a: RunListItem, b: RunListItem) => (a.id < b.id ? 1 : -1);

/** All of a page is newer than a run: between the two others may lie. */
const isAbove = (page: readonly RunListItem[], id: string) => (page.at(-1)?.id ?? "") > id;

/**
 * Rows with the stretch between `after` and the page's last run (or the list's end, where there is no more) as the page has it.
 * Rows that have not changed stay the same objects. `downTo` is where the stretch ends where the page's last run is not it.
 */
function merged(
  rows: readonly RunListItem[],
  page: readonly RunListItem[],
  after: string | undefined,
  hasMore: boolean,
  downTo: string | undefined = hasMore ? page.at(-1)?.id : "",
): readonly RunListItem[] {
  if (downTo === undefined) return rows;
  const known = new Map(rows.map((run) => [run.id, run]));
  const above = after === undefined ? [] : rows.filter(({ id }) => id >= after);
  const below = rows.filter(({ id }) => id < downTo);
  const middle = page.map((run) => {
    const before = known.get(run.id);
    return before !== undefined && (before.revision ?? 0) >= (run.revision ?? 0) ? before : run;
  });
  return [...above, ...middle, ...below];
}
