/** One call of a stack trace. */
export interface StackFrame {
  /** The line as it is. */
  raw: string;
  call: string | undefined;
  file: string | undefined;
  line: number | undefined;
  column: number | undefined;
  /** The user's own code: not Node's, not a package's, not what runs the task. */
  isOwn: boolean;
}

const FRAME = /^\s*at (?:(.*?) \()?(.+?)(?::(\d+))?(?::(\d+))?\)?$/;

/** The frames of a stack as V8 writes it, mapped to source by whoever wrote it. Lines that are no frames are left out. */
export function stackFrames(stack: string | undefined): StackFrame[] {
  if (stack === undefined) return [];
  return stack.split("\n").flatMap((raw) => (/^\s*at /.test(raw) ? [frameOf(raw.trim())] : []));
}

function frameOf(raw: string): StackFrame {
  const [, call, place, line, column] = FRAME.exec(raw) ?? [];
  const file = place?.replace(/^async /, "").replace(/^file:\/\//, "");
  return {
    raw,
    call: call?.replace(/^async /, "") || undefined,
    file,
    line: line === undefined ? undefined : Number(line),
    column: column === undefined ? undefined : Number(column),
    isOwn: file !== undefined && line !== undefined && !isForeign(file),
  };
}

const FOREIGN = [
  /^node:/,
  /[\\/]node_modules[\\/]/,
  /[\\/]sdk[\\/]src[\\/](task|client|contract)[\\/]/,
  /[\\/]worker-image[\\/]src[\\/]/,
  /^native$/,
  /^<anonymous>$/,
];

function isForeign(file: string): boolean {
  return FOREIGN.some((pattern) => pattern.test(file));
}

/** Where it happened: the first frame of the user's own. */
export function originOf(stack: string | undefined): StackFrame | undefined {
  return stackFrames(stack).find(({ isOwn }) => isOwn);
}

/** `tasks/import.ts:14`: the end of the path, enough of it to know the file. */
export function shortPlace(frame: Pick<StackFrame, "file" | "line">, folders = 1): string {
  const parts = (frame.file ?? "").split(/[\\/]/);
  const short = parts.slice(-1 - folders).join("/");
  return frame.line === undefined ? short : `${short}:${frame.line}`;
}

/** Frames in their order, those that are not the user's gathered where several follow each other. */
export type FrameGroup = { isOwn: true; frame: StackFrame } | { isOwn: false; frames: StackFrame[] };

export function groupFrames(frames: readonly StackFrame[]): FrameGroup[] {
  const groups: FrameGroup[] = [];
  for (const frame of frames) {
    const last = groups.at(-1);
    if (frame.isOwn) groups.push({ isOwn: true, frame });
    else if (last?.isOwn === false) last.frames.push(frame);
    else groups.push({ isOwn: false, frames: [frame] });
  }
  return groups;
}
