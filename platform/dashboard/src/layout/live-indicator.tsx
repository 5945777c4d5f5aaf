import type { ConnectionState } from "@gantry/sdk";
import { useLiveConnection } from "../session/live-environment.tsx";
import { cx } from "../ui/class-names.ts";
import classes from "./live-indicator.module.css";

const WORDS: Record<ConnectionState, { text: string; meaning: string }> = {
  live: { text: "Live", meaning: "Changes appear as they happen." },
  polling: { text: "Polling", meaning: "No socket could be opened: changes appear within seconds." },
  connecting: { text: "Connecting…", meaning: "What is shown may be out of date until the connection is back." },
  closed: { text: "Offline", meaning: "Nothing new arrives. Load the page again." },
};

/** Whether the page is up to date, in a word. */
export function LiveIndicator() {
  const connection = useLiveConnection();
  const { text, meaning } = WORDS[connection];
  return (
    <span
      role="status"
      className={cx(classes.indicator, classes[connection])}
      title={meaning}
      data-connection={connection}
    >
      <span className={classes.dot} />
      {text}
    </span>
  );
}
