import type { RunStatus } from "@gantry/sdk/contract";
import type { IconName } from "./icon.tsx";
import type { Tone } from "./tone.ts";

interface StatusLook {
  text: string;
  icon: IconName;
  tone: Tone;
  /** One line for whoever asks what it means. */
  meaning: string;
}

/** How each status of a run is shown: a word, an icon and a tone; any two differ in more than the tone. */
export const RUN_STATUS_LOOK: Record<RunStatus, StatusLook> = {
  PENDING_VERSION: {
    text: "Pending version",
    icon: "hourglass",
    tone: "neutral",
    meaning: "Waits for a version that is not deployed yet.",
  },
  DELAYED: { text: "Delayed", icon: "clock", tone: "neutral", meaning: "Its time has not come yet." },
  QUEUED: { text: "Queued", icon: "queue", tone: "neutral", meaning: "Waits for its turn." },
  DEQUEUED: { text: "Starting", icon: "bolt", tone: "info", meaning: "A worker is starting for it." },
  EXECUTING: { text: "Executing", icon: "spinner", tone: "info", meaning: "Its code runs." },
  WAITING: {
    text: "Waiting",
    icon: "pause",
    tone: "wait",
    meaning: "Waits for a time, a token, a child or an event, and holds no slot.",
  },
  COMPLETED: { text: "Completed", icon: "check-circle", tone: "success", meaning: "Ended well." },
  FAILED: { text: "Failed", icon: "x-circle", tone: "danger", meaning: "Its code threw on the last attempt." },
  CANCELED: { text: "Canceled", icon: "cancel", tone: "neutral", meaning: "Somebody ended it." },
  CRASHED: {
    text: "Crashed",
    icon: "bolt",
    tone: "danger",
    meaning: "Its process ended: out of memory, an exit, a signal.",
  },
  SYSTEM_FAILURE: {
    text: "System failure",
    icon: "alert",
    tone: "danger",
    meaning: "Gantry or the cluster failed it.",
  },
  EXPIRED: { text: "Expired", icon: "hourglass", tone: "warning", meaning: "Its ttl passed before it could start." },
  TIMED_OUT: { text: "Timed out", icon: "clock", tone: "warning", meaning: "It used up its maxDuration." },
};
