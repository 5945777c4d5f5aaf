import { type ErrorGroupItem, insightsApi, type RunListItem } from "@gantry/sdk";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { PlaceButton, PlaceLink, TaskLink } from "../../layout/place-link.tsx";
import { useDenial, useEnvironment } from "../../session/session-provider.tsx";
import { Button } from "../../ui/button.tsx";
import { Card } from "../../ui/card.tsx";
import { BarSeries } from "../../ui/charts.tsx";
import { ConfirmDialog } from "../../ui/dialog.tsx";
import { ErrorState } from "../../ui/error-state.tsx";
import { formatNumber } from "../../ui/format.ts";
import { KeyValueList } from "../../ui/key-value.tsx";
import { Row, Stack } from "../../ui/page.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { StatusIcon } from "../../ui/status-badge.tsx";
import { AbsoluteTime, RelativeTime } from "../../ui/time.tsx";
import { ErrorView } from "../run/error/error-view.tsx";
import { fetchRun } from "../run/use-run.ts";
import { BulkReplayCard } from "./bulk-replay-card.tsx";
import { affectedVersions, seriesPoints } from "./error-groups.ts";
import classes from "./errors-page.module.css";

/** Of the group's runs so many are looked at for their versions. */
const LOOKED_AT = 100;
const LISTED = 6;

/** One group: when it failed, where in the code, on which versions; and its runs, to be run again. */
export function ErrorDetail({ fingerprint, period }: { fingerprint: string; period: string }) {
  const { api, key } = useEnvironment();
  const [bulkId, setBulkId] = useState<string>();
  const group = useQuery({
    queryKey: key("errors", "group", fingerprint, period),
    queryFn: () => insightsApi(api).retrieveError(fingerprint, { period }),
    refetchInterval: 15_000,
  });
  const sampleId = group.data?.sampleRunId;
  const sample = useQuery({
    queryKey: key("run", sampleId),
    enabled: sampleId !== undefined,
    queryFn: ({ signal }) => fetchRun(api, sampleId ?? "", signal),
  });
  const runs = useQuery({
    queryKey: key("errors", "runs", fingerprint),
    queryFn: async () => (await api.listRuns({ error: fingerprint, limit: LOOKED_AT })).data,
  });
  if (group.error)
    return <ErrorState error={group.error} title="The error could not be loaded" onRetry={() => group.refetch()} />;
  if (group.data === undefined) return <Skeleton height={420} />;
  return (
    <Stack>
      <GroupCard group={group.data} period={period} runs={runs.data} onReplay={setBulkId} />
      {bulkId !== undefined && <BulkReplayCard id={bulkId} />}
      {sample.isPending && <Skeleton height={180} />}
      {sample.data?.error && <ErrorView error={sample.data.error} />}
      <LatestRuns runs={runs.data ?? []} />
    </Stack>
  );
}

interface GroupCardProps {
  group: ErrorGroupItem;
  period: string;
  /** Its newest runs, once they are known. */
  runs: readonly RunListItem[] | undefined;
  /** All are being replayed, by this bulk action. */
  onReplay: (bulkId: string) => void;
}

function GroupCard({ group, period, runs, onReplay }: GroupCardProps) {
  const { api } = useEnvironment();
  const denial = useDenial("developer");
  const [isAsking, setAsking] = useState(false);
  const { name, count, taskIdentifier, firstSeenAt, lastSeenAt, fingerprint } = group;
  const replay = async () => {
    const { id } = await insightsApi(api).createBulkAction({
      action: "replay",
      name: `Replay of ${name} in ${taskIdentifier}`.slice(0, 255),
      filter: { error: fingerprint, period },
    });
    onReplay(id);
  };
  return (
    <Card
      title={`${formatNumber(count)} ${count === 1 ? "run" : "runs"} failed so`}
      actions={
        <Row>
          <PlaceButton page="runs" search={{ error: fingerprint }} size="sm" icon="runs">
            Show the runs
          </PlaceButton>
          <Button
            size="sm"
            variant="primary"
            icon="replay"
            disabledReason={denial ?? (count === 0 ? "None failed in this period." : undefined)}
            onClick={() => setAsking(true)}
          >
            Replay all
          </Button>
        </Row>
      }
    >
      <Stack gap={14}>
        <BarSeries points={seriesPoints(group)} label="Failed runs over the period" height={96} />
        <KeyValueList
          items={[
            { key: "Task", value: <TaskLink taskId={taskIdentifier} /> },
            { key: "First seen", value: <AbsoluteTime at={firstSeenAt} /> },
            { key: "Last seen", value: <AbsoluteTime at={lastSeenAt} /> },
            { key: "Versions", value: runs && <Versions runs={runs} /> },
          ]}
        />
      </Stack>
      <ConfirmDialog
        isOpen={isAsking}
        onClose={() => setAsking(false)}
        title={`Replay ${formatNumber(count)} ${count === 1 ? "run" : "runs"}?`}
        confirmLabel="Replay them"
        onConfirm={replay}
      >
        Each becomes a new run with the same payload on the current version. Those that failed stay as they are.
      </ConfirmDialog>
    </Card>
  );
}

function LatestRuns({ runs }: { runs: readonly RunListItem[] }) {
  return (
    <Card title="Latest runs">
      <ul className={classes.runs}>
        {runs.slice(0, LISTED).map((run) => (
          <li key={run.id}>
            <StatusIcon status={run.status} size={14} />
            <PlaceLink page="runs/$runId" params={{ runId: run.id }}>
              <span className="mono">{run.id}</span>
            </PlaceLink>
            <span className="muted">
              <RelativeTime at={run.createdAt} />
            </span>
            {run.version !== undefined && <span className="muted">{run.version}</span>}
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Versions({ runs }: { runs: readonly { version?: string | undefined }[] }) {
  const versions = affectedVersions(runs);
  if (versions.length === 0) return "none";
  return (
    <Row>
      {versions.slice(0, 6).map(({ version, count }) => (
        <span key={version}>
          <PlaceLink page="deployments/$version" params={{ version }}>
            {version}
          </PlaceLink>{" "}
          <span className="muted">({count})</span>
        </span>
      ))}
      {runs.length === LOOKED_AT && <span className="muted">of its newest {LOOKED_AT} runs</span>}
    </Row>
  );
}
