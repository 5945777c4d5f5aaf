import { lazy, Suspense } from "react";
import { Skeleton } from "./skeleton.tsx";

export interface JsonEditorProps {
  /** What is edited: "Payload". */
  label: string;
  /** JSON text; it need not be valid while it is typed. */
  value: string;
  onChange: (value: string) => void;
  /** JSON schema (draft 2020-12 or 7): completes keys and values, and marks what does not fit. */
  schema?: unknown;
  isReadOnly?: boolean;
  /** Pixels; default 240. */
  height?: number;
  /** Ctrl/⌘ Enter. */
  onSubmit?: (() => void) | undefined;
}

const CodeMirrorEditor = lazy(() => import("./json-editor-codemirror.tsx"));

/** An editor for JSON. CodeMirror comes only with the first one that is shown. */
export function JsonEditor(props: JsonEditorProps) {
  const height = props.height ?? 240;
  return (
    <Suspense fallback={<Skeleton height={height} />}>
      <CodeMirrorEditor {...props} height={height} />
    </Suspense>
  );
}
