import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ErrorState } from "../ui/error-state.tsx";
import { SkeletonRows } from "../ui/skeleton.tsx";
import { StaleNotice } from "../ui/stale-notice.tsx";

interface QueryViewProps<T> {
  query: UseQueryResult<T>;
  /** What was not loaded: "Queues could not be loaded". */
  failed: string;
  /** Of the final size; default: rows of a list. */
  skeleton?: ReactNode;
  children: (data: T) => ReactNode;
}

/** What a query has: a skeleton until it has anything, its data, and where it could not be read again, both. */
export function QueryView<T>({ query, failed, skeleton, children }: QueryViewProps<T>) {
  if (query.data !== undefined) {
    return (
      <>
        {query.isError && <StaleNotice error={query.error} since={query.dataUpdatedAt} onRetry={query.refetch} />}
        {children(query.data)}
      </>
    );
  }
  if (query.isError) return <ErrorState error={query.error} title={failed} onRetry={query.refetch} />;
  return <>{skeleton ?? <SkeletonRows rows={6} height={44} />}</>;
}
