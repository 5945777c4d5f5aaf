import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef } from "react";
import { Icon, type IconName } from "./icon.tsx";
import classes from "./menu.module.css";
import { placeBelow } from "./place-below.ts";

export interface MenuItem {
  label: ReactNode;
  icon?: IconName;
  /** Right of the label. */
  hint?: ReactNode;
  isDanger?: boolean;
  isSelected?: boolean;
  /** Why it cannot be chosen now. */
  disabledReason?: string | undefined;
  onSelect: () => void;
}

interface MenuProps {
  /** What the menu offers. */
  label: string;
  /** What opens it: a button's props are given to it. */
  trigger: (props: TriggerProps) => ReactNode;
  items: readonly (MenuItem | "separator")[];
  align?: "start" | "end";
}

interface TriggerProps {
  popoverTarget: string;
  "aria-haspopup": "menu";
  id: string;
}

/** Actions behind a button: arrow keys move, Enter chooses, Escape and a click elsewhere close. */
export function Menu({ label, trigger, items, align = "start" }: MenuProps) {
  const id = useId();
  const menu = useRef<HTMLDivElement>(null);
  const triggerId = `${id}-trigger`;
  useEffect(() => {
    const element = menu.current;
    const onToggle = (event: Event) => {
      if ((event as ToggleEvent).newState !== "open" || element === null) return;
      placeBelow(element, document.getElementById(triggerId), align);
      element.querySelector<HTMLElement>("[role^=menuitem]")?.focus();
    };
    element?.addEventListener("toggle", onToggle);
    return () => element?.removeEventListener("toggle", onToggle);
  }, [align, triggerId]);
  const choose = (item: MenuItem) => {
    if (item.disabledReason !== undefined) return;
    menu.current?.hidePopover();
    document.getElementById(triggerId)?.focus();
    item.onSelect();
  };
  return (
    <>
      {trigger({ popoverTarget: `${id}-menu`, "aria-haspopup": "menu", id: triggerId })}
      <div
        ref={menu}
        id={`${id}-menu`}
        popover="auto"
        role="menu"
        aria-label={label}
        tabIndex={-1}
        className={classes.menu}
        onKeyDown={(event) => move(event, menu.current)}
      >
        {items.map((item, index) =>
          item === "separator" ? (
            <div key={index} role="separator" className={classes.separator} />
          ) : (
            <Item key={index} item={item} onChoose={choose} />
          ),
        )}
      </div>
    </>
  );
}

function Item({ item, onChoose }: { item: MenuItem; onChoose: (item: MenuItem) => void }) {
  const isChoice = item.isSelected !== undefined;
  return (
    <button
      type="button"
      role={isChoice ? "menuitemradio" : "menuitem"}
      aria-checked={isChoice ? item.isSelected : undefined}
      aria-disabled={item.disabledReason !== undefined || undefined}
      tabIndex={-1}
      className={item.isDanger ? `${classes.item} ${classes.danger}` : classes.item}
      onClick={() => onChoose(item)}
    >
      {item.icon && <Icon name={item.icon} />}
      <span className={classes.label}>
        {item.label}
        {item.disabledReason !== undefined && <span className={classes.reason}>{item.disabledReason}</span>}
      </span>
      {item.hint !== undefined && <span className={classes.hint}>{item.hint}</span>}
      {item.isSelected && <Icon name="check" />}
    </button>
  );
}

function move(event: KeyboardEvent, menu: HTMLElement | null): void {
  const items = [...(menu?.querySelectorAll<HTMLElement>("[role^=menuitem]") ?? [])];
  const at = items.indexOf(document.activeElement as HTMLElement);
  const steps: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
  const to = steps[event.key];
  if (event.key === "Tab") menu?.hidePopover();
  if (to === undefined || items.length === 0) return;
  event.preventDefault();
  items.at(to % items.length)?.focus();
}
