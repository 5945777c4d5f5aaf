import { createLogUpdate } from "log-update";
import type { CommandContext } from "../command-context.ts";
import { duration } from "../terminal.ts";

/** What a deploy tells while it goes on, to standard error: the result alone goes to standard output. */
export interface DeployReporter {
  /** What is being done now; replaced by the next. Only seen on a terminal. */
  working(text: string): void;
  /** A step that is done, with how long it took. */
  done(text: string, ms?: number): void;
  note(text: string): void;
  warning(text: string): void;
  /** Leaves nothing moving behind. */
  stop(): void;
}

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME_MS = 80;

/** Lines for logs; on a terminal with one that moves below them. */
export function deployReporter(context: CommandContext): DeployReporter {
  const { terminal, json } = context;
  const { dim, green, yellow, cyan } = terminal.colors;
  const live = terminal.isInteractive && !json ? liveLine((text, frame) => `${cyan(frame)} ${text}`) : undefined;
  const say = (text: string) => {
    live?.clear();
    terminal.err(text);
    live?.draw();
  };
  return {
    working: (text) => live?.show(text),
    done: (text, ms) => say(`${green("✓")} ${text}${ms === undefined ? "" : dim(` (${duration(ms)})`)}`),
    note: (text) => say(dim(`  ${text}`)),
    warning: (text) => say(`${yellow("!")} ${text}`),
    stop: () => live?.stop(),
  };
}

function liveLine(style: (text: string, frame: string) => string) {
  const update = createLogUpdate(process.stderr);
  let text: string | undefined;
  let frame = 0;
  const draw = () => {
    if (text !== undefined) update(style(text, FRAMES[frame % FRAMES.length] ?? ""));
  };
  let timer: NodeJS.Timeout | undefined;
  return {
    show(next: string) {
      text = next;
      timer ??= setInterval(() => {
        frame++;
        draw();
      }, FRAME_MS).unref();
      draw();
    },
    draw,
    clear: () => update.clear(),
    stop() {
      clearInterval(timer);
      text = undefined;
      update.clear();
      update.done();
    },
  };
}
