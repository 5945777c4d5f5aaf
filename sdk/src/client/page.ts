/** One page of a list; iterating it goes on through the pages that follow. */
export interface Page<T> extends AsyncIterable<T> {
  data: T[];
  hasNextPage(): boolean;
  hasPreviousPage(): boolean;
  /** Errors: RangeError where there is none. */
  getNextPage(): PagePromise<T>;
  getPreviousPage(): PagePromise<T>;
}

/** Awaited it is one page; `for await` goes through the items of all pages, fetching each when it is needed. */
export type PagePromise<T> = Promise<Page<T>> & AsyncIterable<T>;

/** What a fetched page needs to be: its items, and how to fetch its neighbours. */
export interface FetchedPage<T> {
  data: T[];
  next: (() => PagePromise<T>) | undefined;
  previous: (() => PagePromise<T>) | undefined;
}

export function pagePromise<T>(fetched: Promise<FetchedPage<T>>): PagePromise<T> {
  const promise = fetched.then(toPage);
  return Object.assign(promise, {
    async *[Symbol.asyncIterator]() {
      yield* await promise;
    },
  });
}

function toPage<T>(fetched: FetchedPage<T>): Page<T> {
  return {
    data: fetched.data,
    hasNextPage: () => fetched.next !== undefined,
    hasPreviousPage: () => fetched.previous !== undefined,
    getNextPage: () => neighbour(fetched.next, "next"),
    getPreviousPage: () => neighbour(fetched.previous, "previous"),
    async *[Symbol.asyncIterator]() {
      for (let page = fetched; ; ) {
        yield* page.data;
        if (page.next === undefined) return;
        const following = await page.next();
        page = {
          data: following.data,
          next: following.hasNextPage() ? () => following.getNextPage() : undefined,
          previous: undefined,
        };
      }
    },
  };
}

function neighbour<T>(fetch: (() => PagePromise<T>) | undefined, which: string): PagePromise<T> {
  if (fetch === undefined)
    throw new RangeError(`There is no ${which} page; ask has${which === "next" ? "Next" : "Previous"}Page() first.`);
  return fetch();
}
