import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import { placeBelow } from "./place-below.ts";
import classes from "./popover.module.css";

interface PopoverProps {
  /** What it is for, for screen readers. */
  label: string;
  /** What opens it: a button's props are given to it. */
  trigger: (props: { popoverTarget: string; id: string; "aria-haspopup": "dialog" }) => ReactNode;
  /** Only there while it is open; `close` puts it away. */
  children: (close: () => void) => ReactNode;
  align?: "start" | "end";
}

/** A small panel beside a button, for a few controls. Escape and a click elsewhere close it. */
export function Popover({ label, trigger, children, align = "start" }: PopoverProps) {
  const id = useId();
  const panel = useRef<HTMLDivElement>(null);
  const [isOpen, setOpen] = useState(false);
  const triggerId = `${id}-trigger`;
  useEffect(() => {
    const element = panel.current;
    const onToggle = (event: Event) => setOpen((event as ToggleEvent).newState === "open");
    element?.addEventListener("toggle", onToggle);
    return () => element?.removeEventListener("toggle", onToggle);
  }, []);
  useEffect(() => {
    const element = panel.current;
    if (!isOpen || element === null) return;
    placeBelow(element, document.getElementById(triggerId), align);
    element.querySelector<HTMLElement>("input, select, button")?.focus();
  }, [isOpen, align, triggerId]);
  const close = () => {
    panel.current?.hidePopover();
    document.getElementById(triggerId)?.focus();
  };
  return (
    <>
      {trigger({ popoverTarget: `${id}-panel`, id: triggerId, "aria-haspopup": "dialog" })}
      <div ref={panel} id={`${id}-panel`} popover="auto" role="dialog" aria-label={label} className={classes.panel}>
        {isOpen && children(close)}
      </div>
    </>
  );
}
