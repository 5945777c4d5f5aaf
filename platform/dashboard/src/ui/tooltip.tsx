import { cloneElement, type ReactElement, useId, useRef } from "react";
import classes from "./tooltip.module.css";

interface TooltipProps {
  /** Plain text. Nothing that is not said elsewhere too, unless it is the reason of a disabled control. */
  text: string;
  /** One focusable element. */
  children: ReactElement<{ "aria-describedby"?: string }>;
}

/** Text beside an element for as long as it is pointed at or focused; Escape puts it away. Drawn above everything. */
export function Tooltip({ text, children }: TooltipProps) {
  const id = useId();
  const bubble = useRef<HTMLSpanElement>(null);
  const anchor = useRef<HTMLSpanElement>(null);
  const show = () => {
    if (bubble.current === null || anchor.current === null || text === "") return;
    bubble.current.showPopover?.();
    place(bubble.current, anchor.current);
  };
  const hide = () => bubble.current?.matches(":popover-open") && bubble.current.hidePopover();
  return (
    <span
      ref={anchor}
      className={classes.anchor}
      onPointerEnter={(event) => event.pointerType === "mouse" && show()}
      onPointerLeave={hide}
      onFocus={(event) => event.target.matches(":focus-visible") && show()}
      onBlur={hide}
      onPointerDown={hide}
      onKeyDown={(event) => event.key === "Escape" && hide()}
    >
      {cloneElement(children, { "aria-describedby": id })}
      <span ref={bubble} id={id} role="tooltip" popover="manual" className={classes.bubble}>
        {text}
      </span>
    </span>
  );
}

const GAP = 6;

/** Above its element, below it where there is no room; inside the window in any case. */
function place(bubble: HTMLElement, anchor: HTMLElement): void {
  const at = (anchor.firstElementChild ?? anchor).getBoundingClientRect();
  const { width, height } = bubble.getBoundingClientRect();
  const left = Math.min(Math.max(GAP, at.left + at.width / 2 - width / 2), window.innerWidth - width - GAP);
  const above = at.top - height - GAP;
  bubble.style.left = `${Math.max(GAP, left)}px`;
  bubble.style.top = `${above > GAP ? above : at.bottom + GAP}px`;
}
