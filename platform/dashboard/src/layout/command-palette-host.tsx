import { lazy, Suspense, useEffect, useState } from "react";

const CommandPalette = lazy(() => import("./command-palette.tsx"));
const OPEN = "gantry:palette";

/** Opens the command palette from anywhere. */
export function openPalette(): void {
  document.dispatchEvent(new Event(OPEN));
}

/** Listens for Ctrl/⌘ K. The palette's code comes when it is first opened. */
export function CommandPaletteHost() {
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    const open = () => setOpen(true);
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey)
        return;
      event.preventDefault();
      setOpen((before) => !before);
    };
    document.addEventListener(OPEN, open);
    document.addEventListener("keydown", onKeyDown);
    return () => {
      document.removeEventListener(OPEN, open);
      document.removeEventListener("keydown", onKeyDown);
    };
  }, []);
  if (!isOpen) return null;
  return (
    <Suspense>
      <CommandPalette onClose={() => setOpen(false)} />
    </Suspense>
  );
}
