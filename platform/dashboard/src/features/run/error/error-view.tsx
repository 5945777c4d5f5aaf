import type { RunError } from "@gantry/sdk";
import { useState } from "react";
import { Badge } from "../../../ui/badge.tsx";
import { CopyButton } from "../../../ui/copy-button.tsx";
import { Icon } from "../../../ui/icon.tsx";
import classes from "./error-view.module.css";
import { groupFrames, originOf, type StackFrame, shortPlace, stackFrames } from "./stack-trace.ts";

/** An error: what it says, the line of the user's code it came from, its stack, and what caused it. */
export function ErrorView({ error }: { error: RunError }) {
  return (
    <div className={classes.error}>
      <ErrorHead error={error} />
      <Stack stack={error.stackTrace} />
      {error.causes?.map((cause, index) => (
        // Their order is what they are.
        <details key={index} className={classes.cause} open={index === 0}>
          <summary>
            <Icon name="chevron-right" size={12} /> Caused by{" "}
            <strong>{cause.name === undefined || cause.name === "" ? "Error" : cause.name}</strong>
          </summary>
          <p className={classes.message}>{cause.message}</p>
          <Origin stack={cause.stackTrace} />
          <Stack stack={cause.stackTrace} />
        </details>
      ))}
    </div>
  );
}

function ErrorHead({ error }: { error: RunError }) {
  return (
    <header className={classes.head}>
      <div className={classes.title}>
        <Icon name="x-circle" className={classes.icon} />
        <strong>{error.name === undefined || error.name === "" ? "Error" : error.name}</strong>
        {error.code !== undefined && error.code !== error.name && <Badge tone="danger">{error.code}</Badge>}
        <span className={classes.copy}>
          <CopyButton text={errorText(error)} label="Copy the error" />
        </span>
      </div>
      <p className={classes.message}>{error.message}</p>
      <Origin stack={error.stackTrace} />
    </header>
  );
}

/** The line it came from. */
function Origin({ stack }: { stack: string | undefined }) {
  const origin = originOf(stack);
  if (origin === undefined) return null;
  return (
    <p className={classes.origin}>
      at <code title={`${origin.file}:${origin.line}:${origin.column}`}>{shortPlace(origin, 2)}</code>
      {origin.call !== undefined && (
        <>
          {" "}
          in <code>{origin.call}</code>
        </>
      )}
    </p>
  );
}

function Stack({ stack }: { stack: string | undefined }) {
  const groups = groupFrames(stackFrames(stack));
  if (groups.length === 0) return null;
  return (
    <ol className={classes.stack} aria-label="Stack trace">
      {groups.map((group, index) =>
        group.isOwn ? (
          // Their order is what they are.
          <OwnFrame key={index} frame={group.frame} />
        ) : (
          // The same.
          <ForeignFrames key={index} frames={group.frames} />
        ),
      )}
    </ol>
  );
}

function OwnFrame({ frame }: { frame: StackFrame }) {
  return (
    <li className={classes.own}>
      <span className={classes.call}>{frame.call ?? "(anonymous)"}</span>{" "}
      <span className={classes.place} title={frame.file}>
        {shortPlace(frame, 2)}
        {frame.column !== undefined && `:${frame.column}`}
      </span>
    </li>
  );
}

/** Frames of Node, packages and Gantry: one line, until somebody wants them. */
function ForeignFrames({ frames }: { frames: StackFrame[] }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <li className={classes.foreign}>
      <button type="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        {frames.length === 1 ? "1 frame" : `${frames.length} frames`} outside of your code
      </button>
      {isOpen && <pre>{frames.map(({ raw }) => raw).join("\n")}</pre>}
    </li>
  );
}

/** As a terminal would show it. */
export function errorText(error: RunError): string {
  const head = `${error.name ?? "Error"}: ${error.message}`;
  const causes = (error.causes ?? []).map(
    (cause) => `Caused by ${cause.stackTrace ?? `${cause.name ?? "Error"}: ${cause.message}`}`,
  );
  return [error.stackTrace ?? head, ...causes].join("\n");
}
