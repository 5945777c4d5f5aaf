import { CHECKPOINT_REASONS } from "@gantry/sdk/contract";
import { PlaceLink } from "../../../layout/place-link.tsx";
import { Badge } from "../../../ui/badge.tsx";
import { cx } from "../../../ui/class-names.ts";
import { Bytes, RelativeTime } from "../../../ui/time.tsx";
import { type CheckpointFacts, checkpointRemedy } from "./checkpoint-facts.ts";
import classes from "./why-card.module.css";

const TITLES: Record<string, string> = {
  hold: "Its process is kept",
  replay: "It holds no process",
  process: "Its process waits in Postgres",
};

/** What became of its process, what that frees, and what would have to change for it to go. */
export function CheckpointPart({ facts }: { facts: CheckpointFacts }) {
  const isHeld = facts.mode === "hold";
  const words = (CHECKPOINT_REASONS as Record<string, string>)[facts.reason];
  return (
    <div className={cx(classes.checkpoint, isHeld ? classes.warning : classes.success)}>
      <p>
        <strong>{TITLES[facts.mode] ?? facts.mode}</strong>{" "}
        <Badge tone={isHeld ? "warning" : "success"}>
          {facts.mode} · {facts.reason}
        </Badge>
      </p>
      <Figures facts={facts} />
      <p className={classes.message}>{words}</p>
      <Remedy reason={facts.reason} />
      {isHeld && facts.because !== undefined && (
        <p className={classes.because}>
          <code>{facts.because}</code>
          <span>Wrap this in step.run to free the process.</span>
        </p>
      )}
    </div>
  );
}

/** "5.1 MB · since 3h ago · frees small-1x · stored on node-a". */
function Figures({ facts: { parkedAt, storedBytes, bytes, frees, node, failures = 0 } }: { facts: CheckpointFacts }) {
  if (parkedAt === undefined) return null;
  return (
    <>
      <ul className={classes.figures}>
        {storedBytes !== undefined && (
          <li title={bytes === undefined ? undefined : "Compressed and encrypted"}>
            <strong>
              <Bytes bytes={storedBytes} />
            </strong>
            {bytes !== undefined && (
              <>
                {" "}
                of <Bytes bytes={bytes} />
              </>
            )}
          </li>
        )}
        <li>
          since <RelativeTime at={parkedAt} />
        </li>
        {frees !== undefined && (
          <li>
            frees <strong>{frees}</strong>
          </li>
        )}
        {node !== undefined && (
          <li>
            stored on <span className="mono">{node}</span>
          </li>
        )}
      </ul>
      {failures > 0 && (
        <p className={classes.failures}>
          It could not be brought back {failures === 1 ? "once" : `${failures} times`}; it is tried on another node.{" "}
          <PlaceLink page="cluster">Cluster</PlaceLink>
        </p>
      )}
    </>
  );
}

function Remedy({ reason }: { reason: string }) {
  const remedy = checkpointRemedy(reason);
  if (remedy === undefined) return null;
  return (
    <p className={classes.message}>
      {remedy.text} {remedy.place === "cluster" && <PlaceLink page="cluster">Cluster</PlaceLink>}
      {remedy.place === "limits" && <PlaceLink page="limits">Limits</PlaceLink>}
    </p>
  );
}
