import { useEffect, useRef } from "react";
import { areShortcutsOn } from "./shortcut-setting.ts";

/** By key as `KeyboardEvent.key` names it: `j`, `Enter`, `/`. What handles a key keeps it from the browser. */
export type Shortcuts = Record<string, (event: KeyboardEvent) => void>;

const EDITABLE =
  "input:not([type=checkbox]), textarea, select, [contenteditable=true], [role=menu], dialog, :popover-open";

/** Single keys for a whole page: not while somebody writes, nor in a dialog or menu, nor with Ctrl, ⌘ or Alt. */
export function useShortcuts(shortcuts: Shortcuts): void {
  const latest = useRef(shortcuts);
  latest.current = shortcuts;
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      const handler = latest.current[event.key];
      const target = event.target as Element;
      if (handler === undefined || target.closest(EDITABLE) !== null || document.querySelector("dialog[open]")) return;
      if (event.key.length === 1 && !areShortcutsOn()) return;
      // Enter and Space belong to the control that has the focus.
      if ((event.key === "Enter" || event.key === " ") && target.closest("a, button, input, summary")) return;
      event.preventDefault();
      handler(event);
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, []);
}
