import { type ReactNode, useEffect, useRef, useSyncExternalStore } from "react";
import { IconButton } from "./button.tsx";
import { cx } from "./class-names.ts";
import { describeError } from "./error-text.ts";
import { Icon } from "./icon.tsx";
import classes from "./toast.module.css";

interface Toast {
  id: number;
  tone: "success" | "danger" | "info";
  text: ReactNode;
}

const SHOWN_MS = 5_000;
let toasts: readonly Toast[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

function change(next: readonly Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}

function show(tone: Toast["tone"], text: ReactNode): void {
  lastId += 1;
  change([...toasts.slice(-3), { id: lastId, tone, text }]);
}

/** Short words about what has just been done. Errors stay until they are closed; the rest goes after 5 s. */
export const toast = {
  success: (text: ReactNode) => show("success", text),
  info: (text: ReactNode) => show("info", text),
  /** `doing`: what was tried, "The run was not canceled". */
  error: (doing: string, error?: unknown) => {
    const detail = error === undefined ? "" : `: ${describeError(error).message}`;
    show("danger", `${doing}${detail}`);
  },
};

const dismiss = (id: number) => change(toasts.filter((each) => each.id !== id));

/** Where toasts appear: once, in the layout. */
export function Toaster() {
  const shown = useSyncExternalStore(
    (onChange) => {
      listeners.add(onChange);
      return () => listeners.delete(onChange);
    },
    () => toasts,
  );
  return (
    <div className={classes.toaster} role="status" aria-live="polite">
      {shown.map((each) => (
        <ToastBox key={each.id} toast={each} />
      ))}
    </div>
  );
}

const ICONS = { success: "check-circle", danger: "alert", info: "info" } as const;

function ToastBox({ toast: { id, tone, text } }: { toast: Toast }) {
  const isPointedAt = useRef(false);
  useEffect(() => {
    if (tone === "danger") return undefined;
    const timer = setInterval(() => isPointedAt.current || dismiss(id), SHOWN_MS);
    return () => clearInterval(timer);
  }, [id, tone]);
  return (
    <div
      className={cx(classes.toast, classes[tone])}
      onPointerEnter={() => {
        isPointedAt.current = true;
      }}
      onPointerLeave={() => {
        isPointedAt.current = false;
      }}
    >
      <Icon name={ICONS[tone]} className={classes.icon} />
      <span className={classes.text}>{text}</span>
      <IconButton icon="x" label="Dismiss" size="sm" onClick={() => dismiss(id)} />
    </div>
  );
}
