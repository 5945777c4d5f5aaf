import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { PlaceLink } from "../../layout/place-link.tsx";
import { Card } from "../../ui/card.tsx";
import { ErrorState } from "../../ui/error-state.tsx";
import { Page, Stack } from "../../ui/page.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { Tabs } from "../../ui/tabs.tsx";
import { AttemptsPanel } from "./attempts-panel.tsx";
import { ErrorView } from "./error/error-view.tsx";
import { WhyCard } from "./explain/why-card.tsx";
import { JournalPanel } from "./journal-panel.tsx";
import { LogPanel } from "./logs/log-panel.tsx";
import { ReplayStrip } from "./replay-strip.tsx";
import { RunActions } from "./run-actions.tsx";
import type { ActivitySnapshot } from "./run-activity.ts";
import { RunFacts, RunHeading } from "./run-header.tsx";
import classes from "./run-page.module.css";
import { RunSide } from "./run-side.tsx";
import type { RunView } from "./run-view.ts";
import { StreamsPanel, useStreams } from "./streams-panel.tsx";
import { TimelineCard } from "./timeline/timeline-card.tsx";
import { type LiveRunState, useActivity, useLiveRun } from "./use-run.ts";

/** One run: what it did, does and waits for, what went in and came out, and what can be done about it. */
export default function RunPage() {
  const { runId = "" } = useParams({ strict: false }) as { runId?: string };
  const live = useLiveRun(runId);
  const crumbs = [
    <PlaceLink key="runs" page="runs" look="quiet">
      Runs
    </PlaceLink>,
  ];
  if (live.run === undefined)
    return (
      <Page title={runId} breadcrumbs={crumbs}>
        {live.error === undefined ? (
          <Loading />
        ) : (
          <ErrorState error={live.error} title="This run could not be loaded" onRetry={live.refetch} />
        )}
      </Page>
    );
  return <LoadedRun key={runId} live={live} run={live.run} crumbs={crumbs} />;
}

function LoadedRun({ live, run, crumbs }: { live: LiveRunState; run: RunView; crumbs: React.ReactNode[] }) {
  const { observer, refetch } = live;
  const activity = useActivity(live.activity);
  const [{ replay }, setSearch] = useRunSearch();
  return (
    <Page
      title={`${run.taskIdentifier} ${run.id.slice(-6)}`}
      heading={<RunHeading run={run} observer={observer} />}
      breadcrumbs={[
        ...crumbs,
        <PlaceLink key="task" page="runs" search={{ task: run.taskIdentifier }} look="quiet">
          {run.taskIdentifier}
        </PlaceLink>,
      ]}
      actions={<RunActions run={run} onReplayed={(id) => setSearch({ replay: id })} onChanged={refetch} />}
    >
      <Stack>
        <RunFacts run={run} />
        {replay !== undefined && (
          <ReplayStrip
            key={replay}
            runId={replay}
            version={run.version}
            onClose={() => setSearch({ replay: undefined })}
          />
        )}
        <div className={classes.columns}>
          <Stack>
            <WhyCard run={run} journal={activity.journal} />
            {run.error !== undefined && <ErrorView error={run.error} />}
            <TimelineCard run={run} activity={activity} />
            <RunTabs run={run} activity={activity} />
          </Stack>
          <RunSide run={run} observer={observer} />
        </div>
      </Stack>
    </Page>
  );
}

interface RunSearch {
  /** Which tab is open. */
  tab?: string | undefined;
  /** A replay that is shown beside. */
  replay?: string | undefined;
}

function useRunSearch(): [RunSearch, (change: RunSearch) => void] {
  const search = useSearch({ strict: false }) as RunSearch;
  const navigate = useNavigate();
  const change = (patch: RunSearch) =>
    void navigate({
      to: ".",
      search: ((before: object) => ({ ...before, ...patch })) as never,
      replace: true,
      resetScroll: false,
    });
  return [search, change];
}

function RunTabs({ run, activity }: { run: RunView; activity: ActivitySnapshot }) {
  const [{ tab = "logs" }, setSearch] = useRunSearch();
  const streams = useStreams(run).data?.length;
  const tabs = [
    { id: "logs", label: "Log", count: activity.lines.length },
    { id: "journal", label: "Journal", count: activity.journal.length },
    { id: "attempts", label: "Attempts", count: run.attempts?.length },
    { id: "streams", label: "Streams", count: streams },
  ];
  return (
    <Card isFlush className={classes.tabs}>
      <Tabs label="More of this run" tabs={tabs} selected={tab} onSelect={(id) => setSearch({ tab: id })}>
        {tab === "journal" && <JournalPanel journal={activity.journal} />}
        {tab === "attempts" && <AttemptsPanel run={run} />}
        {tab === "streams" && <StreamsPanel run={run} />}
        {tab === "logs" && (
          <LogPanel
            lines={activity.lines}
            isLoaded={activity.isLoaded}
            isLive={!run.isCompleted}
            error={activity.error}
          />
        )}
      </Tabs>
    </Card>
  );
}

/** Of the sizes of what will be there. */
function Loading() {
  return (
    <div className={classes.columns} role="status" aria-label="Loading the run">
      <Stack>
        <Skeleton height={230} />
        <Skeleton height={470} />
      </Stack>
      <Stack>
        <Skeleton height={120} />
        <Skeleton height={160} />
        <Skeleton height={160} />
      </Stack>
    </div>
  );
}
