import { type ErrorComponentProps, useRouter } from "@tanstack/react-router";
import { EmptyState } from "../ui/empty-state.tsx";
import { ErrorState } from "../ui/error-state.tsx";
import { LinkButton } from "../ui/link.tsx";
import { Page } from "../ui/page.tsx";
import { SkeletonRows } from "../ui/skeleton.tsx";

export function NotFound() {
  return (
    <Page title="Not found">
      <EmptyState
        icon="search"
        title="There is no such page"
        actions={
          <LinkButton to="/" icon="arrow-left">
            To the runs
          </LinkButton>
        }
      >
        The address may be mistyped, or what it named is gone.
      </EmptyState>
    </Page>
  );
}

export function PagePending() {
  return (
    <Page title="Loading">
      <SkeletonRows />
    </Page>
  );
}

/** A page that threw, or whose code did not come: after an update of the platform the old files are gone. */
export function PageError({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const isGone = /dynamically imported module|module script/i.test(String(error));
  const retry = () => {
    if (isGone) location.reload();
    reset();
    void router.invalidate();
  };
  return (
    <Page title="Error">
      <ErrorState error={error} title={isGone ? "The dashboard was updated" : "This page failed"} onRetry={retry} />
    </Page>
  );
}
