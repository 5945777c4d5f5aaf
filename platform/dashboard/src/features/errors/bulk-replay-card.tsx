import { type BulkActionItem, insightsApi } from "@gantry/sdk";
import { PlaceButton } from "../../layout/place-link.tsx";
import { useBulkAction } from "../../queries/use-bulk-action.ts";
import { useEnvironment } from "../../session/session-provider.tsx";
import { Badge } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { Card } from "../../ui/card.tsx";
import { ErrorText } from "../../ui/error-state.tsx";
import { formatNumber } from "../../ui/format.ts";
import { toast } from "../../ui/toast.tsx";
import { bulkProgress } from "./error-groups.ts";
import classes from "./errors-page.module.css";

/** A bulk replay on its way. It goes on without anybody who looks. */
export function BulkReplayCard({ id }: { id: string }) {
  const { api } = useEnvironment();
  const { data, error, refetch } = useBulkAction(id);
  const stop = async () => {
    try {
      await insightsApi(api).abortBulkAction(id);
      await refetch();
    } catch (thrown) {
      toast.error("It was not stopped", thrown);
    }
  };
  return (
    <Card
      title="Replay of all"
      actions={
        <>
          {data?.status === "PENDING" && (
            <Button size="sm" icon="stop" onClick={() => void stop()}>
              Stop
            </Button>
          )}
          <PlaceButton page="runs" search={{ bulk: id }} size="sm" icon="runs">
            The new runs
          </PlaceButton>
        </>
      }
    >
      {error && <ErrorText error={error} />}
      {data && <Progress action={data} />}
    </Card>
  );
}

function Progress({ action }: { action: BulkActionItem }) {
  const { counts, status, failures, isCapped } = action;
  const { total, success, failure } = counts;
  const progress = bulkProgress(action);
  return (
    <>
      <div className={classes.progressRow} role="status">
        <progress
          className={classes.progress}
          aria-label="Progress"
          {...(progress === undefined ? {} : { value: progress })}
        />
        <span>
          {formatNumber(success)} of {formatNumber(total)} replayed
          {failure > 0 && `, ${formatNumber(failure)} could not be`}
        </span>
        {status === "COMPLETED" && (
          <Badge tone="success" icon="check-circle">
            Done
          </Badge>
        )}
        {status === "ABORTED" && <Badge icon="cancel">Stopped</Badge>}
      </div>
      {isCapped && <p className="muted">More runs matched than one action takes: replay again for the rest.</p>}
      <ul className={classes.failures}>
        {failures.map(({ runId, code, message }) => (
          <li key={runId}>
            <code>{code}</code> {message}
          </li>
        ))}
      </ul>
    </>
  );
}
