import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { Button, IconButton } from "./button.tsx";
import { cx } from "./class-names.ts";
import classes from "./dialog.module.css";
import { ErrorText } from "./error-state.tsx";

interface DialogProps {
  isOpen: boolean;
  onClose: () => void;
  title: string;
  /** Buttons at the bottom. */
  footer?: ReactNode;
  /** Default "md" (480 px); "lg" is 760 px. */
  size?: "md" | "lg";
  /** Makes it a form: Enter submits. */
  onSubmit?: (() => void) | undefined;
  children: ReactNode;
}

/** A modal window over the page: the browser's own `<dialog>` keeps the focus and closes it by Escape. */
export function Dialog({ isOpen, onClose, title, footer, size = "md", onSubmit, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const element = dialog.current;
    if (isOpen && !element?.open) element?.showModal();
    if (!isOpen && element?.open) element.close();
  }, [isOpen]);
  if (!isOpen) return null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    event.stopPropagation();
    onSubmit?.();
  };
  return (
    <dialog
      ref={dialog}
      className={cx(classes.dialog, classes[size])}
      aria-labelledby={titleId}
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <form className={classes.frame} onSubmit={submit} noValidate>
        <header className={classes.header}>
          <h2 id={titleId}>{title}</h2>
          <IconButton icon="x" label="Close" size="sm" onClick={onClose} />
        </header>
        <div className={classes.body}>{children}</div>
        {footer !== undefined && <footer className={classes.footer}>{footer}</footer>}
      </form>
    </dialog>
  );
}

interface ConfirmDialogProps {
  isOpen: boolean;
  onClose: () => void;
  title: string;
  /** What will happen, to how many, and whether it can be undone. */
  children: ReactNode;
  /** The verb: "Cancel 12 runs". */
  confirmLabel: string;
  isDanger?: boolean;
  /** It stays open and busy until this settles; a rejection is shown in it. */
  onConfirm: () => Promise<unknown> | unknown;
}

/** Asks before something that matters. */
export function ConfirmDialog({
  isOpen,
  onClose,
  title,
  children,
  confirmLabel,
  isDanger,
  onConfirm,
}: ConfirmDialogProps) {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const close = () => {
    setError(undefined);
    onClose();
  };
  const confirm = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await onConfirm();
      close();
    } catch (thrown) {
      setError(thrown);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog
      isOpen={isOpen}
      onClose={close}
      title={title}
      onSubmit={() => void confirm()}
      footer={
        <>
          <Button onClick={close}>Keep as it is</Button>
          <Button type="submit" variant={isDanger ? "danger" : "primary"} isBusy={isBusy}>
            {confirmLabel}
          </Button>
        </>
      }
    >
      {children}
      {error !== undefined && <ErrorText error={error} />}
    </Dialog>
  );
}
